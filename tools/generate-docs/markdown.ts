/** What the first lines of every generated page say. */
export const pageOf = (title: string, introduction: string, ...sections: string[]): string =>
  `${[`# ${title}`, '<!-- Written by `npm run generate`; a test compares it with the code. -->', introduction, ...sections].join('\n\n')}\n`

/** A table; rows may hold anything but line breaks, which become spaces. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cellText).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

// A bar ends a cell of a table, even within code; outside of code, `<error>` would be an element of HTML that is not shown.
const cellText = (text: string): string =>
  text
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|')
    .replace(/`[^`]*`|</g, (match) => (match === '<' ? '&lt;' : match))
    .trim()

/** Text as code, or nothing. */
export const code = (text: string | undefined): string => (text === undefined || text === '' ? '' : `\`${text}\``)

/** A value as it is written in YAML on one line. */
export const valueText = (value: unknown): string => (value === undefined ? '' : code(JSON.stringify(value)))

/** The anchor that GitHub gives a heading; the book gives it the same. */
export const slugOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
