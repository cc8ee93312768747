"""The frame of the HTML pages: one file each, no script, light and dark, readable on a telephone."""

from __future__ import annotations

import html
import re

STYLE = """
:root{color-scheme:light dark;--paper:#fdfdfb;--card:#fff;--ink:#1d2530;--soft:#55606e;--line:#d9dde2;
--teal:#14796b;--teal-bg:#e2f2ef;--blue:#2d66a8;--blue-bg:#e5eef8;--orange:#a9501a;--orange-bg:#fbeadf;
--rose:#a5324f;--rose-bg:#f9e4e9;--code:#f1f3f5}
@media (prefers-color-scheme:dark){:root{--paper:#14181d;--card:#1b2128;--ink:#e4e8ec;--soft:#a3adb8;--line:#333c46;
--teal:#63c7b8;--teal-bg:#16332f;--blue:#86b6ea;--blue-bg:#1b2d42;--orange:#eda06c;--orange-bg:#3b2618;
--rose:#ee8fa5;--rose-bg:#3d1f28;--code:#262d35}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.55 "Source Sans 3","Source Sans Pro",system-ui,
-apple-system,"Segoe UI",Roboto,sans-serif;-webkit-text-size-adjust:100%}
main{max-width:46rem;margin:0 auto;padding:2rem 1.1rem 4rem}
main.wide{max-width:64rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .2rem;overflow-wrap:anywhere}
h2{font-size:1.25rem;line-height:1.3;margin:2.4rem 0 .7rem}
h3{font-size:1.05rem;line-height:1.35;margin:0}
p{margin:.45rem 0}
a{color:var(--blue)}
a:focus-visible,summary:focus-visible{outline:2px solid var(--blue);outline-offset:2px;border-radius:3px}
.soft{color:var(--soft)}
.small{font-size:.88rem}
.score{font-size:2.4rem;font-weight:650;line-height:1.1;margin:.8rem 0 .3rem;font-variant-numeric:tabular-nums}
.score span{font-size:1.1rem;font-weight:400;color:var(--soft)}
.card{background:var(--card);border:1px solid var(--line);border-left:5px solid var(--line);border-radius:6px;
padding:.85rem 1rem;margin:.8rem 0}
.card.right{border-left-color:var(--teal)}.card.partial{border-left-color:var(--blue)}
.card.wrong{border-left-color:var(--orange)}.card.problem{border-left-color:var(--rose)}
.head{display:flex;flex-wrap:wrap;gap:.2rem .8rem;align-items:baseline;justify-content:space-between}
.points{font-variant-numeric:tabular-nums;font-weight:600;white-space:nowrap}
.hint{background:var(--blue-bg);border-radius:5px;padding:.5rem .75rem;margin:.6rem 0}
.parts{list-style:none;margin:.6rem 0 .2rem;padding:0;display:flex;flex-wrap:wrap;gap:.35rem}
.parts li{border-radius:99px;padding:.05rem .65rem;font-size:.88rem;overflow-wrap:anywhere}
.yes{background:var(--teal-bg);color:var(--teal)}.no{background:var(--orange-bg);color:var(--orange)}
code{font-family:ui-monospace,"SF Mono",Menlo,Consolas,monospace;font-size:.88em;background:var(--code);
border-radius:3px;padding:.05em .3em;overflow-wrap:anywhere}
details{margin:.6rem 0 0}summary{cursor:pointer;color:var(--blue)}
details p{overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:.6rem 0}
table{border-collapse:collapse;width:100%;font-size:.93rem}
th,td{text-align:left;padding:.4rem .6rem .4rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--soft);white-space:nowrap}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.bar{display:flex;height:.8rem;min-width:7rem;border-radius:3px;overflow:hidden;background:var(--line)}
.bar i{display:block}.bar .full{background:var(--teal)}.bar .some{background:var(--blue)}
.bar .none{background:var(--orange)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.7rem;margin:1.2rem 0}
.facts div{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem}
.facts b{display:block;font-size:1.5rem;line-height:1.2;font-variant-numeric:tabular-nums}
.warn{background:var(--rose-bg);border-radius:6px;padding:.7rem .9rem;margin:1rem 0}
footer{margin-top:3rem;border-top:1px solid var(--line);padding-top:.8rem;color:var(--soft);font-size:.85rem;
overflow-wrap:anywhere}
.hist{display:flex;align-items:flex-end;gap:.3rem;max-width:40rem}
.hist div{flex:1;text-align:center;font-variant-numeric:tabular-nums;font-size:.88rem}
.hist i{display:block;background:var(--teal);border-radius:3px 3px 0 0;border-bottom:1px solid var(--line)}
.hist b{font-weight:400;color:var(--soft)}
.label{display:none}
@media (max-width:34rem){.stack thead{display:none}.stack tr{display:block;border-bottom:1px solid var(--line);
padding:.5rem 0}.stack td,.stack td.n{display:block;border:0;padding:.1rem 0;text-align:left}.label{display:inline}}
@media print{body{background:#fff}.card{break-inside:avoid}}
"""


def page(title: str, body: str, wide: bool = False) -> str:
    """A whole page. Nothing in it can load or run anything: its policy forbids all but the style above."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="referrer" content="no-referrer">\n<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n'
        f'<body>\n<main{" class=wide" if wide else ""}>\n{body}\n</main>\n</body>\n</html>\n'
    )


def text(anything: object) -> str:
    """Escaped, and without characters that could reorder or hide what stands around them."""
    plain = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in str(anything))
    return html.escape(plain, quote=True)


def sentence(words: str) -> str:
    """Escaped, with `code` between backticks set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text(words))


def paragraphs(lines: object) -> str:
    """Each sentence a paragraph."""
    return "".join(f"<p>{sentence(line)}</p>" for line in lines)  # type: ignore[attr-defined]
