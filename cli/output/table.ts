import { styleText } from 'node:util'

/** A cell of a table: text, or text with a colour that a terminal shows it in. */
export type TableCell = string | { text: string; colour: Colour }

/** What a colour says: it works, it needs attention, it is broken, or it matters less. */
export type Colour = 'green' | 'yellow' | 'red' | 'dim'

/** How tables are drawn. */
export interface TableStyle {
  /** Widest line in characters. Absent = as wide as it gets. */
  width?: number | undefined
  /** Whether colours are written. */
  colours?: boolean
}

const BETWEEN = '  '
const NARROWEST = 12

/** Without line breaks and control characters, which could move the cursor of a terminal. */
export const plain = (text: string): string => text.replace(/\p{Cc}+/gu, ' ')

/** How one table is drawn. */
export interface TableOptions extends TableStyle {
  /** Titles of columns that are left out where lines are wider than they may be, the least important first. */
  leftOut?: readonly string[]
}

/** Lines of cells, aligned in columns; where they are too wide, columns are left out, then the last one and then the widest are cut. */
export function tableOf(
  rows: readonly (readonly TableCell[])[],
  { width = Number.POSITIVE_INFINITY, colours = false, leftOut = [] }: TableOptions = {},
): string {
  const lines = rows.map((cells) =>
    cells.map((cell) => (typeof cell === 'string' ? { text: plain(cell) } : { ...cell, text: plain(cell.text) })),
  )
  const { kept, widths } = columnsWithin(lines, width, leftOut)
  return lines
    .map((line) => {
      const shown = kept.flatMap((column) => (line[column] ? [line[column]] : []))
      const drawn = shown.map(({ text, ...cell }, at) => {
        const short = cut(text, widths[at] ?? 0)
        const padded = at === shown.length - 1 ? short : short.padEnd(widths[at] ?? 0)
        return colours && 'colour' in cell ? styleText(cell.colour, padded, { validateStream: false }) : padded
      })
      return `${drawn.join(BETWEEN).trimEnd()}\n`
    })
    .join('')
}

/** Which columns fit, and how wide each is. */
function columnsWithin(lines: readonly { text: string }[][], width: number, leftOut: readonly string[]) {
  const columns = Math.max(0, ...lines.map(({ length }) => length))
  const full = Array.from({ length: columns }, (_, column) => Math.max(...lines.map((line) => line[column]?.text.length ?? 0)))
  let kept = [...full.keys()]
  const total = (widths: readonly number[]) => widths.reduce((sum, each) => sum + each + BETWEEN.length, -BETWEEN.length)
  const widthsOf = () => kept.map((column) => full[column] ?? 0)
  for (const title of leftOut) if (total(widthsOf()) > width) kept = kept.filter((column) => lines[0]?.[column]?.text !== title)
  const widths = widthsOf()
  const shorten = (at: number, least: number) => {
    widths[at] = Math.max(Math.min(least, widths[at] ?? 0), (widths[at] ?? 0) - Math.max(0, total(widths) - width))
  }
  shorten(widths.length - 1, NARROWEST)
  for (let round = 0; round < widths.length && total(widths) > width; round++)
    shorten(widths.indexOf(Math.max(...widths)), NARROWEST)
  return { kept, widths }
}

/** With an ellipsis at the end where it is longer. */
export const cut = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`)

/** Text is not broken into shorter lines than this. */
const SHORTEST_LINE = 24

/** Lines that end between words, unless one word is longer than a line. @param room characters of a line */
export function wrapped(text: string, room = Number.POSITIVE_INFINITY): string[] {
  const longest = Math.max(SHORTEST_LINE, room)
  const lines: string[] = []
  let line = ''
  for (const word of plain(text).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > longest) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const

/** A span in at most two units, such as `3d4h`, as kubectl writes ages. */
export function shortSpan(ms: number): string {
  let rest = Math.max(0, Math.floor(ms / 1_000))
  const parts: string[] = []
  for (const [unit, seconds] of UNITS) {
    const count = Math.floor(rest / seconds)
    rest -= count * seconds
    if (count > 0) parts.push(`${count}${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.length === 0 ? '0s' : parts.join('')
}
