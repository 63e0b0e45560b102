import fc from 'fast-check'
import { declaredRoutes } from '../../../cells/gatekeeper/api/declared-routes.ts'
import { edited, hostileText, type TextEdit, textEdits } from '../generators.ts'
import { faultOf, sendRaw } from '../raw-connection.ts'
import type { FuzzedServer } from '../services.ts'
import { fuzzTarget, sharedTarget } from '../target.ts'

interface Request {
  server: FuzzedServer
  /** Request line, headers and body; characters 0 to 255. */
  text: string
  edits: readonly TextEdit[]
}

const ADDRESS = `0x${'1'.repeat(40)}`
const PATHS = [
  '/', '/ws', '/health/live', '/health/ready', '/metrics', '/status', '/ping', '/players', '/rooms', '/rooms/a', '/rooms/a/members',
  '/cells/0/rooms', '/cells/0/ws', '/peers', `/peers/${ADDRESS}`, '/peers?id=a&id=b', '/islands', '/islands/I1', '/parcels', '/hot-scenes',
  '/core-status', '/cells', '/comms/peers', '/stats/peers', '/gatekeeper/get-scene-adapter', '/realms', '/main/about', '/main/about?catalyst=http://x', '/about', '/console', '/console/feed', '/console/feed?realm=realms/main', '/console/snapshot', `/console/peers/${ADDRESS}`, '/console/islands/I1?realm=realms/main', '/map', '/main/content/entities/active',
  '/main/lambdas/profiles', '/publications/main', '/publications', '/publications/main/replica', '/debug', '/debug/islands',
  ...declaredRoutes.map(({ path }) => path.replace(':address', ADDRESS).replace(':world', 'name.dcl.eth').replace(':parcel', '0,0')),
] // biome-ignore format: a table
const HEADERS = [
  'Host', 'Connection', 'Upgrade', 'Content-Length', 'Transfer-Encoding', 'Expect', 'Origin', 'If-None-Match', 'If-Match', 'Authorization',
  'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Real-Ip', 'Forwarded', 'Cf-Connecting-Ip', 'Cf-IpCountry', 'Access-Control-Request-Headers',
  'Access-Control-Request-Method', 'Range', 'Accept-Encoding', 'Cookie', 'X-Identity-Timestamp', 'X-Identity-Metadata',
  'X-Identity-Auth-Chain-0', 'Publication-Epoch', 'Content-Type', '__proto__',
] // biome-ignore format: a table
const VALUES = [
  'x', 'close', 'keep-alive', 'chunked', 'gzip, chunked', '0', '5', '-1', '99999999999', '100-continue', '*', '"x"', 'W/"x", "y"',
  'Bearer x', 'Bearer', '10.0.0.1', '::1', '[::1]:80', '203.0.113.9, 10.0.0.1', 'for=192.0.2.60;proto=http', 'https', 'https,http', 'DE',
  'http://x', 'bytes=0-', '{}', 'null', 'localhost:99999', 'a b', 'websocket', 'main.example',
] // biome-ignore format: a table

const value = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...VALUES) }, { weight: 1, arbitrary: hostileText })
const path = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...PATHS) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...PATHS), textEdits(4)).map(([known, edits]) => edited(known, edits)) },
  { weight: 1, arbitrary: fc.array(hostileText, { minLength: 1, maxLength: 8 }).map((pieces) => `/${pieces.join('')}`) },
)
const method = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('GET', 'POST', 'PUT') },
  { weight: 1, arbitrary: fc.constantFrom('HEAD', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE', 'QUERY', 'get', '') },
)
const body = fc.oneof(
  fc.constantFrom('', 'abc', '{}', '5\r\nhello\r\n0\r\n\r\n', 'ffffffffff\r\n', '{"pointers":["0,0"]}', '['.repeat(20_000)),
  fc.json({ maxDepth: 3 }),
)
const version = fc.oneof({ weight: 8, arbitrary: fc.constant('HTTP/1.1') }, fc.constantFrom('HTTP/1.0', 'HTTP/2.0', ''))
const headers = fc.array(fc.tuple(fc.constantFrom(...HEADERS), value), { maxLength: 6 })

const text = fc
  .tuple(method, path, version, headers, body, fc.boolean())
  .map(([verb, target, protocol, lines, content, isMeasured]) => {
    const measured = isMeasured ? [['Content-Length', String(content.length)]] : []
    const head = [['Host', 'x'], ...lines, ...measured].map(([name, given]) => `${name}: ${given}\r\n`).join('')
    return `${verb} ${target} ${protocol}\r\n${head}\r\n${content}`
  })

/** Requests of every method, target, header and body, to every HTTP server. */
export const requests = fuzzTarget<Request>({
  name: 'requests',
  inputs: fc.record({
    server: fc.constantFrom('connector', 'rooms', 'gatekeeper', 'stats', 'provider', 'peers'),
    text,
    edits: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, textEdits(3)),
  }),
  inputsInSuite: 1_500,
  start: async (services) =>
    sharedTarget(services, async ({ server, text: given, edits }) => {
      const fault = faultOf(await sendRaw(services.urls[server], edited(given, edits)))
      if (fault) throw new Error(fault)
    }),
})
