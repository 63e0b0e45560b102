import { floors } from '../house/floors.ts'
import { code, tableOf } from './markdown.ts'

const [start, end] = ['<!-- floors: written by npm run generate -->', '<!-- /floors -->']

/** A page with the table of floors between its two markers written anew, the highest floor first. */
export function withFloors(page: string): string {
  const [from, to] = [page.indexOf(start), page.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`docs/architecture.md needs the lines ${start} and ${end}`)
  const rows = floors.map((folders, height) => [String(height), folders.map(code).join(', ')]).reverse()
  return `${page.slice(0, from + start.length)}\n\n${tableOf(['floor', 'files and folders'], rows)}\n\n${page.slice(to)}`
}
