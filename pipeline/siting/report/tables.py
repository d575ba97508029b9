"""The rows of the report's tables, the same for HTML, PDF and CSV readers."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.siting.problem import MICRO
from pipeline.siting.report import words

Table = tuple[list[str], list[list[str]]]
"""Heads and rows, all text."""
MOST_BLIND, MOST_IDLE = 60, 30
"""Rows in the report; `kelurahan.csv` and `rencana.json` hold all."""


def summary(told: Mapping[str, Any]) -> Table:
    """Return what was asked and what came out."""
    cover, sites = told["coverage"], told["sites"]
    before, after = (words.share_of(value, cover["need"]) for value in (cover["seen"], told["after"]))
    rows = [
        ["Anggaran", told["ask"]["budget"]["text"]],
        ["Lokasi terpilih", f"{len(sites)} dari {told['candidates']} calon, biaya {words.money(told['cost'])}"],
        ["Kebutuhan terlihat", f"{words.percent(before)} hari ini, {words.percent(after)} setelah rencana dibangun"],
        ["Nilai rencana", f"{words.need(told['value_micro'])} kebutuhan; batas atas {words.need(told['bound_micro'])}, "
                          f"selisih {words.percent(told['gap'], 2)}"],
        ["Metode", words.METHODS[told["method"]]],
        ["Jumlah minimum", words.floors(told["ask"]["floors"])],
        ["Data", f"{words.number(cover['cameras'], 0)} kamera, {words.number(told['need_points'], 0)} titik kebutuhan"],
    ]  # fmt: skip
    asked = told["ask"]
    for what, ids in (("Diwajibkan", asked["force_in"]), ("Dilarang", asked["force_out"])):
        if ids:
            rows.append([what, ", ".join(ids)])
    if asked["moves"]:
        rows.append(["Pemindahan", f"paling banyak {asked['moves']} kamera, dipakai {len(told['losses'])}"])
    return ["", ""], rows


def sites(told: Mapping[str, Any]) -> Table:
    """Return the chosen sites; the last row is the sum, which is the plan's value exactly."""
    heads = ["No", "Lokasi", "Kelurahan", "Tipe, biaya", "Nilai tambah", "Hanya lokasi ini", "Belum terlihat hari ini",
             "Permintaan", "Rp per kebutuhan", "Kokoh"]  # fmt: skip
    rows = [
        [
            str(site["order"]), site["name"], site["kelurahan_name"],
            f"pindahan {site['moved_from']}, {words.money(site['cost'])}" if site["moved_from"]
            else f"{site['type']}, {words.money(site['cost'])}",
            words.need(site["marginal_micro"]), words.need(site["alone_micro"]),
            f"{words.number(site['unseen_need'], 2)} ({site['unseen_points']} titik)",
            ", ".join(site["requests"]) or "-",
            words.money(site["rupiah_per_need"]), words.percent(site["steady"], 0),
        ]
        for site in told["sites"]
    ]  # fmt: skip
    rows += [
        ["", f"kamera {loss['camera']} dipindah dari tempatnya", "", "", words.need(loss["loss_micro"])] + [""] * 5
        for loss in told["losses"]
    ]
    total = sum(site["marginal_micro"] for site in told["sites"]) + sum(loss["loss_micro"] for loss in told["losses"])
    rows.append(["", "Jumlah = nilai rencana", "", words.money(told["cost"]), words.need(total)] + [""] * 5)
    return heads, rows


def rejected(told: Mapping[str, Any]) -> Table:
    """Return the requests that no site answers, and what they would have displaced."""
    heads = ["Permintaan", "Pemohon", "Kelurahan", "Kategori", "Bobot", "Akibat bila dipenuhi"]
    rows = [
        [r["ref"], r["asked_by"], r["kelurahan_name"], words.category(r["category"]), words.number(r["weight"], 2),
         words.displaced(r)]
        for r in told["requests"] if r["status"] in ("tidak_terpilih", "tanpa_calon")
    ]  # fmt: skip
    return heads, rows


def curve(told: Mapping[str, Any]) -> Table:
    """Return what numbers of cameras buy."""
    cover = told["coverage"]
    heads = ["Kamera baru", "Dipakai", "Nilai", "Kebutuhan terlihat", "Batas atas", "Jumlah minimum"]
    rows = [
        [str(p["cameras"]), str(p["used"]), words.need(p["value_micro"]),
         words.percent(words.share_of(cover["seen"] + p["value_micro"] / MICRO, cover["need"])),
         words.need(p["bound_micro"]), "dipenuhi" if p["floors"] else "tidak muat, diabaikan"]
        for p in told["curve"]
    ]  # fmt: skip
    return heads, rows


def groups(rows: Sequence[Mapping[str, Any]], head: str, names: Mapping[str, str] | None = None) -> Table:
    """Return need and seen need by a group."""
    names = names or {}
    counted = bool(rows) and "hotspots" in rows[0]
    ground = bool(rows) and rows[0].get("area_share") is not None
    heads = [head, "Kebutuhan", "Terlihat"] + ["Titik rawan terlihat", "Kejadian terlihat"] * counted
    return [*heads, *["Luas terlihat"] * ground], [
        [names.get(row["name"], row["name"]), words.number(row["need"], 2), words.percent(row["share"])]
        + ([_of(row, "hotspots"), _of(row, "incidents")] if counted else [])
        + ([words.percent(row["area_share"], 2)] if ground else [])
        for row in rows
    ]  # fmt: skip


def _of(row: Mapping[str, Any], what: str) -> str:
    """Say which share of hotspots or incidents is seen, and of how many."""
    share = words.share_of(row[f"{what}_seen"], row[what])
    return f"{words.percent(share)} dari {words.number(row[what], 0)}" if row[what] else "-"


def after(told: Mapping[str, Any]) -> Table:
    """Return need by category, seen today and once the plan is built."""
    return ["Kategori", "Kebutuhan", "Terlihat hari ini", "Setelah rencana"], [
        [words.category(row["name"]), words.number(row["need"], 2),
         words.percent(words.share_of(row["today"], row["need"])),
         words.percent(words.share_of(row["after"], row["need"]))]
        for row in told["after_by_category"]
    ]  # fmt: skip


def blind(told: Mapping[str, Any]) -> Table:
    """Return the blind kelurahan, those of the greatest need first."""
    codes = set(told["coverage"]["blind"])
    rows = [row for row in told["coverage"]["by_kelurahan"] if row["code"] in codes]
    lines = [
        [row["name"], row["kota"], str(row["cameras"]), words.number(row["need"], 2), words.percent(row["share"])]
        for row in sorted(rows, key=lambda row: (-row["need"], row["code"]))
    ]
    return ["Kelurahan", "Kota", "Kamera", "Kebutuhan", "Terlihat"], _first(lines, MOST_BLIND)


def _first(rows: list[list[str]], most: int) -> list[list[str]]:
    """Return the first rows and a line that says how many more there are."""
    if len(rows) <= most:
        return rows
    return [*rows[:most], [f"dan {len(rows) - most} lagi", *[""] * (len(rows[0]) - 1)]]


def overlapping(told: Mapping[str, Any]) -> Table:
    """Return cameras that see the same."""
    return ["Kamera", "Kamera", "Bagian pandangan yang sama"], [
        [*pair["cameras"], words.percent(pair["share"], 0)] for pair in told["coverage"]["overlaps"]
    ]


def idle(told: Mapping[str, Any]) -> Table:
    """Return cameras without a verdict worth having."""
    lines = [
        [row["camera"], words.number(row["alone"], 2), words.percent(row["availability"], 0)]
        for row in told["coverage"]["idle"]
    ]
    return ["Kamera", "Kebutuhan yang hanya dilihatnya", "Hidup"], _first(lines, MOST_IDLE)


def sensitivity(told: Mapping[str, Any]) -> Table:
    """Return the plan under other weights."""
    return ["Bobot diubah", "Lokasi yang tetap terpilih", "Nilai rencana ini dari yang terbaik"], [
        [words.changed(row["what"]), words.percent(row["kept"], 0), words.percent(row["worth"])]
        for row in told["sensitivity"]
    ]
