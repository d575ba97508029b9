"""The public view: what every citizen may see, made once per interval and served from memory."""
