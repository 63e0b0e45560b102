import { claimedClientAddress, networkOfAddress } from '../../chassis/client-address.ts'
import { Refusal } from '../../chassis/errors.ts'
import { json, type Route, route } from '../../chassis/http.ts'
import type { ConsoleAccess } from './access.ts'
import type { ConsoleFeed } from './feed.ts'
import type { Lookup } from './lookup.ts'
import { readPageFiles, withoutFolder } from './page-files.ts'
import type { RequestTally } from './request-tally.ts'

/** What the console is made of. */
export interface ConsoleParts {
  access: ConsoleAccess
  feed: ConsoleFeed
  lookup: Lookup
  /** Counts how players are answered. */
  tally: RequestTally
}

const PRIVATE = { 'cache-control': 'no-store' }

/**
 * The page at `/console`, its files, and its data: as a stream of events, as one document, and one peer or island at a time.
 * Everything is read-only. No routes where the console is off.
 */
export function consoleRoutes({ access, feed, lookup }: Omit<ConsoleParts, 'tally'>): Route[] {
  if (access.mode === 'None') return []
  const files = readPageFiles()
  const page = files.get('index.html')
  if (!page) throw new Error('the page of the console has no index.html')
  const pageBelow = withoutFolder(Buffer.from(page.body ?? ''))
  return [
    route('GET', '/console', ({ path }) => (path.endsWith('/') ? pageBelow : page)),
    route('GET', '/console/feed', (request) => {
      access.check(request)
      const address = networkOfAddress(claimedClientAddress(request)) || request.remoteAddress
      if (!feed.hasRoom(address)) throw new Refusal('UNAVAILABLE', 'too many pages show the console at the moment')
      const realm = request.query.get('realm') ?? undefined
      return {
        status: 200,
        headers: { 'content-type': 'text/event-stream', ...PRIVATE, 'x-accel-buffering': 'no' },
        stream: (response) => feed.view(response, address, realm),
      }
    }),
    route('GET', '/console/snapshot', (request) => {
      access.check(request)
      return { status: 200, headers: { 'content-type': 'application/json', ...PRIVATE }, body: feed.snapshotJson() }
    }),
    route('GET', '/console/access', (request) => {
      access.check(request)
      return json(200, { mode: access.mode, wallets: access.seesWallets(request) }, PRIVATE)
    }),
    route('GET', '/console/peers/:wallet', async (request) => {
      if (!access.seesWallets(request)) throw new Refusal('UNAUTHORIZED', 'wallets are shown only with the token of the console')
      return json(200, await lookup.peer(request.params.wallet), PRIVATE)
    }),
    route('GET', '/console/islands/:id', async (request) => {
      access.check(request)
      const found = await lookup.island(request.query.get('realm') ?? '', request.params.id, access.seesWallets(request))
      return json(200, found, PRIVATE)
    }),
    route('GET', '/console/:file', ({ params }) => {
      const file = params.file === 'index.html' ? undefined : files.get(params.file)
      if (!file) throw new Refusal('NOT_FOUND', 'the console has no such file')
      return file
    }),
  ]
}
