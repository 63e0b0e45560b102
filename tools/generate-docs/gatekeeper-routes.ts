import type { Authentication } from '../../cells/gatekeeper/api/declaration.ts'
import { declaredRoutes } from '../../cells/gatekeeper/api/declared-routes.ts'
import { code, tableOf } from './markdown.ts'

const [start, end] = ['<!-- routes: written by npm run generate -->', '<!-- /routes -->']

const callers: Readonly<Record<Authentication, string>> = {
  none: '',
  signed: 'wallet',
  signedByExplorer: 'wallet, by the explorer',
  signedByScene: 'wallet, by scene code',
  signedBySceneOrServer: 'wallet, by scene code or the authoritative server',
  optional: 'wallet or anonymous',
  moderator: 'moderator',
  service: 'service',
}

/** docs/gatekeeper.md with the table of routes between its two markers written anew. */
export function withGatekeeperRoutes(page: string): string {
  const [from, to] = [page.indexOf(start), page.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`docs/gatekeeper.md needs the lines ${start} and ${end}`)
  const rows = declaredRoutes.map(({ method, path, authentication, summary, callers: known, differs = '', test }) => [
    code(`${method} ${path}`),
    callers[authentication],
    summary,
    known,
    differs,
    code(test),
  ])
  const table = tableOf(
    ['route', 'authenticated', 'what it does', 'called today by', 'differs from upstream, on purpose', 'test'],
    rows,
  )
  return `${page.slice(0, from + start.length)}\n\n${table}\n\n${page.slice(to)}`
}
