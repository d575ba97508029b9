"""`python -m pipeline.ops.probe URL`: exit code 0 when it answers 200, for container health checks without a shell."""

import sys
import urllib.error
import urllib.request

TIMEOUT_S = 4.0


def probe(url: str) -> tuple[bool, str]:
    """Say whether `url` answers 200, and its words."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            return answer.status == 200, answer.read(1000).decode(errors="replace").strip()
    except urllib.error.HTTPError as error:
        return False, error.read(1000).decode(errors="replace").strip()
    except OSError as error:
        return False, str(error)


def main() -> None:
    """Probe the URL given; print the answer, which the orchestrator shows beside an unhealthy container."""
    good, words = probe(sys.argv[1])
    print(words)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
