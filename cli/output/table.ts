import { styleText } from 'node:util'

/** A cell of a table: text, or text with a colour that a terminal shows it in. */
export type TableCell = string | { text: string; colour: Colour }

/** What a colour says: it works, it needs attention, it is broken, or it matters less. */
export type Colour = 'green' | 'yellow' | 'red' | 'dim'

/** How tables are drawn. */
export interface TableStyle {
  /** Widest line in characters: the last column is cut to it. Absent = as wide as it gets. */
  width?: number | undefined
  /** Whether colours are written. */
  colours?: boolean
}

const BETWEEN = '  '
const NARROWEST = 12

/** Without line breaks and control characters, which could move the cursor of a terminal. */
export const plain = (text: string): string => text.replace(/\p{Cc}+/gu, ' ')

/** Lines of cells, aligned in columns. */
export function tableOf(rows: readonly (readonly TableCell[])[], { width, colours = false }: TableStyle = {}): string {
  const lines = rows.map((cells) =>
    cells.map((cell) => (typeof cell === 'string' ? { text: plain(cell) } : { ...cell, text: plain(cell.text) })),
  )
  const columns = Math.max(0, ...lines.map(({ length }) => length))
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...lines.map((line) => line[column]?.text.length ?? 0)))
  const before = widths.slice(0, -1).reduce((sum, each) => sum + each + BETWEEN.length, 0)
  const last = width === undefined ? Number.POSITIVE_INFINITY : Math.max(NARROWEST, width - before)
  return lines
    .map((line) => {
      const drawn = line.map(({ text, ...cell }, column) => {
        const shown =
          column === columns - 1 ? cut(text, last) : column === line.length - 1 ? text : text.padEnd(widths[column] ?? 0)
        return colours && 'colour' in cell ? styleText(cell.colour, shown, { validateStream: false }) : shown
      })
      return `${drawn.join(BETWEEN).trimEnd()}\n`
    })
    .join('')
}

/** With an ellipsis at the end where it is longer. */
export const cut = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`)

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
