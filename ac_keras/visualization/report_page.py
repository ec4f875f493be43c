"""The page around a report's parts: one file, nothing from a network."""

from collections.abc import Mapping

from ac_keras.visualization.readable_values import escape

# Whatever a part holds, a browser fetches nothing and runs nothing.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1c1f24;--dim:#5c6570;
--line:#dde1e6;--card:#f6f7f9;--first:#1f6fc4;--second:#b8590a;--good:#1a7f4b;
--bad:#c03535}
@media(prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#e6e9ed;
--dim:#9aa4af;--line:#333a42;--card:#1e2329;--first:#6cb2ff;--second:#f2a359;
--good:#52c98a;--bad:#ff7d7d}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1100px;padding:16px;background:var(--paper);
color:var(--ink);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2;margin:.5em 0}
h2{font-size:1.25rem;margin:2em 0 .6em;border-bottom:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.4em 0 .5em}
h4{font-size:1rem;margin:0}
figure{margin:0}
figcaption{font-size:.9rem;margin-bottom:4px}
.chart .keys,.matrix .keys{display:block}
.keys,.axis,.legend{color:var(--dim);font-size:.85rem}
.tiles{display:grid;gap:10px;
grid-template-columns:repeat(auto-fill,minmax(150px,1fr))}
.tiles div{background:var(--card);border-radius:8px;padding:10px 12px}
.tiles dt{color:var(--dim);font-size:.85rem}
.tiles dd{margin:0;font-size:1.35rem;font-weight:600}
.charts{display:grid;gap:20px;
grid-template-columns:repeat(auto-fit,minmax(min(300px,100%),1fr))}
.chart{max-width:540px}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--dim);font:12px system-ui,sans-serif}
.grid,.axis{stroke:var(--line);fill:none}
.curve{fill:none;stroke-width:2;stroke-linejoin:round}
.curve{stroke:var(--first)}
.curve.training{stroke:var(--second);stroke-dasharray:5 3;stroke-width:1.5}
.dot{fill:var(--first)}
.dot.training{fill:var(--second)}
path.best{stroke:var(--dim);stroke-dasharray:2 3}
circle.best{fill:none;stroke:var(--ink);stroke-width:1.5}
.key::before{content:"";display:inline-block;width:18px;vertical-align:middle;
margin-right:5px;border-top:2.5px solid var(--first)}
.key.training::before{border-top:2.5px dashed var(--second)}
.bar{fill:var(--first)}
.matrix{margin-top:16px}
.matrix rect.right{fill:var(--good)}
.matrix rect.wrong{fill:var(--bad)}
.matrix text{font-size:11px}
.matrix text.count{fill:var(--ink)}
.matrix text.on{fill:var(--paper)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.92rem}
th,td{text-align:left;padding:4px 12px 4px 0;vertical-align:top;
border-bottom:1px solid var(--line);overflow-wrap:break-word}
th{color:var(--dim);font-weight:500}
.numbers{width:100%}
.numbers td:nth-child(2),.numbers td:last-child{min-width:9em}
.settings td:first-child{color:var(--dim)}
.clip{background:var(--card);border-radius:8px;padding:12px;margin:10px 0;
border-left:4px solid var(--good)}
.clip.wrong{border-left-color:var(--bad)}
.clip h4 span{color:var(--good)}
.clip.wrong h4 span{color:var(--bad)}
.clip p{margin:2px 0 6px}
.answers{width:100%;max-width:560px;margin-bottom:8px}
.answers td{border:0;padding:1px 8px 1px 0}
.answers td:first-child{color:var(--good);width:1.2em}
.answers td:nth-child(3){text-align:right;width:4.5em}
.answers td:last-child{width:35%;vertical-align:middle}
.share{display:block;height:8px;border-radius:2px;background:var(--first);
min-width:1px}
.hit .share{background:var(--good)}
.maps{display:grid;gap:12px;
grid-template-columns:repeat(auto-fit,minmax(min(220px,100%),1fr))}
.wide{grid-column:1/-1}
.heat{display:block;width:100%;image-rendering:pixelated}
.pixels{image-rendering:pixelated}
.lines{stroke:#fff;fill:none}
div.axis{display:flex;justify-content:space-between}
.legend img{width:90px;height:12px;vertical-align:middle;
image-rendering:pixelated}
@media screen and (max-width:600px){
.numbers tr{display:grid;grid-template-columns:2.5em 1fr auto auto;
border-bottom:1px solid var(--line)}
.numbers td,.numbers th{border:0}
.numbers td:last-child,.numbers th:last-child{grid-column:2/-1}}
@media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--dim:#444;
--line:#bbb;--card:#fff;--first:#1f6fc4;--second:#b8590a;--good:#1a7f4b;
--bad:#c03535}
body{max-width:none;font-size:11pt;print-color-adjust:exact;
-webkit-print-color-adjust:exact}
.chart,.clip,.matrix,tr,.tiles div{break-inside:avoid}
h2,h3{break-after:avoid}
.clip,.tiles div{border:1px solid var(--line)}}
"""


def page(title: str, sections: Mapping[str, str]) -> str:
    """Puts parts together into a page.

    Args:
        title: The page's title, plain text.
        sections: Mapping from headings, plain text, to HTML. Empty ones are
            left out.

    Returns:
        The whole page as HTML.
    """
    body = "".join(
        f"<section><h2>{escape(heading)}</h2>{content}</section>\n"
        for heading, content in sections.items()
        if content
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>\n{body}</body></html>\n"
    )
