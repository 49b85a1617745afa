"""The sign-in page: one field, no script, nothing in it that anybody else wrote."""

from __future__ import annotations

CSP = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sign in · Runcast</title>
<style>
:root {
  --page: #f5f7fb; --card: #ffffff; --text: #1b2230; --dim: #667085; --line: #dde3ee; --accent: #3b6cf6; --bad: #c4314b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1219; --card: #151a23; --text: #e6eaf2; --dim: #93a0b5;
    --line: #2a3342; --accent: #6d93ff; --bad: #ff8296;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px;
  background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main {
  width: 100%; max-width: 380px; padding: 36px 32px 32px; background: var(--card); border: 1px solid var(--line);
  border-radius: 16px; box-shadow: 0 12px 40px rgb(15 23 42 / 8%);
}
svg { display: block; height: 48px; margin-left: -2px; }
h1 { margin: 18px 0 4px; font-size: 22px; font-weight: 650; letter-spacing: -0.01em; }
p { margin: 0 0 22px; color: var(--dim); }
label { display: block; margin-bottom: 6px; font-weight: 550; }
input {
  width: 100%; padding: 11px 13px; font: inherit; color: inherit; background: var(--page);
  border: 1px solid var(--line); border-radius: 10px;
}
input:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
button {
  width: 100%; margin-top: 16px; padding: 11px; font: inherit; font-weight: 600;
  color: var(--card); background: var(--accent);
  border: 0; border-radius: 10px; cursor: pointer;
}
.bad { margin: 10px 0 0; color: var(--bad); }
code { font-size: 0.92em; }
</style>
</head>
<body>
<main>
<svg viewBox="0 0 30 32" aria-hidden="true"><rect x="1" y="3" width="26" height="26" rx="7" fill="#3b6cf6"/>
<path d="M6 21l5-8 4 5 3-7 4 10" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round"
stroke-linejoin="round"/></svg>
<h1>Runcast</h1>
<p>This server asks for its token.</p>
<form method="post" autocomplete="on">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus{describedby}>
{trouble}<button type="submit">Sign in</button>
</form>
</main>
</body>
</html>
"""

_TROUBLE = """<p class="bad" id="trouble" role="alert">That is not this server’s token.
It is the value of <code>RUNCAST_TOKEN</code> where the server runs.</p>
"""


def page(*, refused: bool = False) -> bytes:
    """Write the page, with a line of trouble when a token was refused."""
    return (
        _PAGE.replace("{describedby}", ' aria-invalid="true" aria-describedby="trouble"' if refused else "")
        .replace("{trouble}", _TROUBLE if refused else "")
        .encode()
    )
