/** A place on a drawing, in pixels from its upper left corner. */
export type Point = readonly [x: number, y: number]

/** A rectangle with lines of text in its middle; the text of a frame is at its upper edge. */
export interface Box {
  at: Point
  size: readonly [width: number, height: number]
  text: string
  /** Further lines, smaller. */
  small?: string[]
  /** `ours` is a part of the product, `yours` is not, `frame` holds others, `absent` is not there. */
  look?: 'ours' | 'yours' | 'frame' | 'absent'
}

/** A line with a head at its end, and perhaps one at its beginning. */
export interface Arrow {
  from: Point
  to: Point
  text?: string
  /** Where the middle of the text is; a little above the middle of the line unless given. */
  textAt?: Point
  dashed?: boolean
  both?: boolean
}

export interface Dot {
  at: Point
  radius: number
  look: 'peer' | 'reach' | 'island'
}

export interface Words {
  at: Point
  text: string
}

/** What is drawn, in pixels. */
export interface Drawing {
  title: string
  size: readonly [width: number, height: number]
  boxes?: readonly Box[]
  arrows?: readonly Arrow[]
  dots?: readonly Dot[]
  words?: readonly Words[]
}

/** An SVG that is legible on light and on dark pages, by the fonts of the reader's machine. */
export function svgOf({ title, size: [width, height], boxes = [], arrows = [], dots = [], words = [] }: Drawing): string {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    STYLE,
    `<rect class="paper" width="${width}" height="${height}" rx="8"/>`,
    ...dots.map(({ at: [x, y], radius, look }) => `<circle class="${look}" cx="${x}" cy="${y}" r="${radius}"/>`),
    ...boxes.toSorted((one, other) => Number(other.look === 'frame') - Number(one.look === 'frame')).flatMap(boxLines),
    ...arrows.flatMap(arrowLines),
    ...words.map(({ at: [x, y], text }) => `<text class="small" x="${x}" y="${y}">${escaped(text)}</text>`),
    '</svg>',
  ].join('\n')}\n`
}

function boxLines({ at: [x, y], size: [width, height], text, small = [], look = 'ours' }: Box): string[] {
  const middle = x + width / 2
  const first = look === 'frame' ? y + 20 : y + height / 2 + 5 - small.length * 8
  return [
    `<rect class="${look}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>`,
    `<text class="name" x="${middle}" y="${first}">${escaped(text)}</text>`,
    ...small.map((line, index) => `<text class="small" x="${middle}" y="${first + 17 * (index + 1)}">${escaped(line)}</text>`),
  ]
}

function arrowLines({ from, to, text, textAt, dashed = false, both = false }: Arrow): string[] {
  const line = `<path class="${dashed ? 'line dashed' : 'line'}" d="M${from.join(' ')}L${to.join(' ')}"/>`
  const [x, y] = textAt ?? [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2 - 7]
  return [
    line,
    head(from, to),
    ...(both ? [head(to, from)] : []),
    ...(text ? [`<text class="small" x="${x}" y="${y}">${escaped(text)}</text>`] : []),
  ]
}

/** The head of an arrow: a triangle of nine by eight pixels. */
function head([fromX, fromY]: Point, [x, y]: Point): string {
  const degrees = Math.round((Math.atan2(y - fromY, x - fromX) * 180) / Math.PI)
  return `<path class="head" d="M0 0L-9 -4L-9 4Z" transform="translate(${x} ${y}) rotate(${degrees})"/>`
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const STYLE = `<style>
text{font-family:system-ui,-apple-system,'Segoe UI','Noto Sans','DejaVu Sans',sans-serif;text-anchor:middle;fill:#26323d}
.name{font-size:15px;font-weight:600}.small{font-size:12.5px;fill:#4d5b67}
.paper{fill:#f7f9fb}.ours{fill:#dceafb;stroke:#3b7dd8}.yours{fill:#fff;stroke:#8b98a4}
.frame{fill:none;stroke:#8b98a4;stroke-dasharray:6 4}.absent{fill:none;stroke:#b9c7d2;stroke-dasharray:3 4}
.line{fill:none;stroke:#4d5b67;stroke-width:1.4}.dashed{stroke-dasharray:5 4}.head{fill:#4d5b67}
.peer{fill:#c2410c}.reach{fill:none;stroke:#8b98a4;stroke-dasharray:4 4}.island{fill:#3b7dd8;fill-opacity:.16;stroke:#3b7dd8}
@media (prefers-color-scheme:dark){
text{fill:#dbe4ec}.small{fill:#a9b8c5}.paper{fill:#161f28}.ours{fill:#1d3a5f;stroke:#6ba6f2}.yours{fill:#0e141a;stroke:#7b8894}
.frame{stroke:#7b8894}.absent{stroke:#3a4a58}.line{stroke:#a9b8c5}.head{fill:#a9b8c5}
.peer{fill:#fb923c}.reach{stroke:#7b8894}.island{fill:#6ba6f2;stroke:#6ba6f2}}
</style>`
