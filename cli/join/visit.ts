import WebSocket from 'ws'
import { messageOf } from '../../cells/chassis/errors.ts'
import { readText } from '../../cells/chassis/outgoing-http.ts'
import { awaitedPackets } from '../../cells/sockets/awaited-packets.ts'
import { type Adapter, readAdapter } from '../../cells/wire/adapter.ts'
import { clientPackets, decodeServerPacket } from '../../cells/wire/packets.ts'
import { decodeRoomPacket, roomPackets } from '../../cells/wire/room-packets.ts'
import type { ThrowAwayWallet } from './throw-away-wallet.ts'

/** What a visit did, step by step. */
export type Step = 'about' | 'login' | 'socket' | 'welcome' | 'island' | 'room'

export interface VisitOptions {
  /** Base URL of the realm, without `/about`. */
  url: string
  wallet: ThrowAwayWallet
  /** In metres. */
  position: { x: number; y: number; z: number }
  /** For each step. */
  timeoutMs: number
  /** Told of each step that is done. */
  onStep(step: Step, what: string): void
  /** Told of each step that begins, so that a failure can be named. */
  onBegin(step: Step): void
  /** Called with each URL before it is connected to, as the realm named it or redirected to it; what it throws ends the visit. */
  checkUrl?(url: string): void
  /** Whether the room of the island is entered; true by default. */
  entersRoom?: boolean
}

/** A player who is in a realm. */
export interface Visit {
  /** The island that the player was given; undefined where the realm has none. */
  island?: string
  /** Tells the realm where the player is; nothing where the realm has no islands. */
  moveTo(position: VisitOptions['position']): void
  /** Resolves with the reason once a socket of the player is closed. */
  closed: Promise<string>
  leave(): void
}

const MAX_PACKET_BYTES = 256 * 1024
/** Of an answer to an HTTP request. */
const MAX_ANSWER_BYTES = 1024 * 1024
const MAX_REDIRECTS = 5
const CLOSE_MS = 1_000

/** Enters a realm as an explorer does, up to its room. @throws Error when a step fails */
export async function visit(options: VisitOptions): Promise<Visit> {
  const { url, onBegin, onStep } = options
  onBegin('about')
  const about = await readJson(`${url}/about`, options)
  const { comms, acceptingUsers, healthy } = about as {
    comms?: { adapter?: unknown }
    acceptingUsers?: unknown
    healthy?: unknown
  }
  const adapter = readAdapter(String(comms?.adapter ?? 'offline:offline'))
  const state = healthy === false ? ', not healthy' : acceptingUsers === false ? ', full' : ''
  onStep('about', `${adapter.kind}${'url' in adapter ? ` ${adapter.url}` : ''}${state}`)
  if ('url' in adapter) options.checkUrl?.(adapter.url)
  if (adapter.kind === 'archipelago') return enterCity(adapter.url, options)
  if (adapter.kind === 'signed-login') return enterRoom(await login(adapter.url, options), options)
  return enterRoom(adapter, options)
}

async function readJson(url: string, options: VisitOptions, init: RequestInit = {}): Promise<unknown> {
  const { status, text } = await request(url, options, init)
  if (status >= 300) throw new Error(`${url} answers ${status}: ${text.slice(0, 300)}`)
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${url} answers no JSON`)
  }
}

/** Sends a request, and follows redirections as explorers do; the URL of each is checked as every other. */
async function request(
  url: string,
  { timeoutMs, checkUrl }: VisitOptions,
  given: RequestInit = {},
): Promise<{ status: number; text: string }> {
  let [at, init]: [string, RequestInit] = [url, { ...given, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) }]
  for (let redirects = 0; ; redirects++) {
    const { status, headers, body } = await fetch(at, init).catch((error: unknown) => {
      // Without the query, which may hold a token.
      const { origin, pathname } = new URL(at)
      const isLate = error instanceof Error && error.name === 'TimeoutError'
      const what = isLate ? `does not answer within ${timeoutMs} ms` : `does not answer: ${messageOf(error)}`
      throw new Error(`${origin}${pathname} ${what}`, { cause: error })
    })
    const location = status >= 300 && status < 400 ? headers.get('location') : null
    if (location === null) return { status, text: await readText(body ?? (async function* () {})(), MAX_ANSWER_BYTES) }
    await body?.cancel()
    if (redirects === MAX_REDIRECTS) throw new Error(`${url} redirects more than ${MAX_REDIRECTS} times`)
    at = new URL(location, at).href
    checkUrl?.(at)
    if (status < 307) init = { ...init, method: 'GET' }
  }
}

/** Signs in to a world (ADR-44), which answers with the adapter of its room. */
async function login(url: string, options: VisitOptions): Promise<Adapter> {
  options.onBegin('login')
  const metadata = JSON.stringify({ intent: 'dcl:explorer:comms-handshake', signer: 'dcl:explorer', isGuest: false })
  const timestamp = Date.now()
  const { wallet } = options
  const chain = wallet.sign(`post:${new URL(url).pathname.toLowerCase()}:${timestamp}:${metadata}`)
  const headers = {
    ...Object.fromEntries(chain.map((link, n) => [`x-identity-auth-chain-${n}`, JSON.stringify(link)])),
    'x-identity-timestamp': String(timestamp),
    'x-identity-metadata': metadata,
  }
  const answer = (await readJson(url, options, { method: 'POST', headers })) as { fixedAdapter?: unknown }
  const adapter = readAdapter(String(answer.fixedAdapter))
  options.onStep('login', `as ${wallet.address}`)
  return adapter
}

async function enterCity(url: string, options: VisitOptions): Promise<Visit> {
  const { wallet, position, timeoutMs, onStep, onBegin } = options
  onBegin('socket')
  const socket = openSocket(url, ['archipelago'], timeoutMs)
  const packets = awaitedPackets(socket, decodeServerPacket, timeoutMs)
  try {
    await packets.open
    onStep('socket', url)
    onBegin('welcome')
    socket.send(clientPackets.challengeRequest(wallet.address))
    const { challengeResponse } = await packets.next('challengeResponse')
    socket.send(clientPackets.signedChallenge(JSON.stringify(wallet.sign(challengeResponse.challengeToSign))))
    await packets.next('welcome')
    onStep('welcome', `as ${wallet.address}`)
    onBegin('island')
    socket.send(clientPackets.heartbeat({ position }))
    const { islandChanged } = await packets.next('islandChanged')
    const others = Object.keys(islandChanged.peers).length - 1
    onStep('island', `${islandChanged.islandId}, with ${others === 1 ? 'one other player' : `${others} other players`}`)
    const room = options.entersRoom === false ? NO_ROOM : await enterRoom(readAdapter(islandChanged.connStr), options)
    return {
      island: islandChanged.islandId,
      moveTo: (to) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(clientPackets.heartbeat({ position: to }))
      },
      closed: Promise.race([packets.closed, room.closed]),
      leave: () => {
        room.leave()
        end(socket)
      },
    }
  } catch (error) {
    end(socket)
    throw error
  }
}

const NO_ROOM: Pick<Visit, 'closed' | 'leave'> = { closed: new Promise(() => {}), leave: () => {} }

async function enterRoom(adapter: Adapter, options: VisitOptions): Promise<Visit> {
  options.onBegin('room')
  if ('url' in adapter) options.checkUrl?.(adapter.url)
  if (adapter.kind === 'ws-room') return enterEmbeddedRoom(adapter.url, options)
  if (adapter.kind === 'livekit') return checkLivekit(adapter, options)
  throw new Error(adapter.kind === 'offline' ? 'the realm has no communications' : `a room has the adapter ${adapter.kind}`)
}

async function enterEmbeddedRoom(url: string, { wallet, timeoutMs, onStep }: VisitOptions): Promise<Visit> {
  const socket = openSocket(url, ['rfc5'], timeoutMs)
  const packets = awaitedPackets(socket, decodeRoomPacket, timeoutMs)
  try {
    await packets.open
    socket.send(roomPackets.identification(wallet.address))
    const { challengeMessage } = await packets.next('challengeMessage')
    socket.send(roomPackets.signedChallenge(JSON.stringify(wallet.sign(challengeMessage.challengeToSign))))
    const { welcomeMessage } = await packets.next('welcomeMessage')
    onStep('room', `${url}, with ${Object.keys(welcomeMessage.peerIdentities).length} peers`)
    return { moveTo: () => {}, closed: packets.closed, leave: () => end(socket) }
  } catch (error) {
    end(socket)
    throw error
  }
}

/** LiveKit's media needs WebRTC; that it accepts the token can be asked over HTTP. */
async function checkLivekit({ url, token }: { url: string; token: string }, options: VisitOptions): Promise<Visit> {
  const base = url.replace(/^ws/, 'http').replace(/\/+$/, '')
  const { status, text } = await request(`${base}/rtc/validate?access_token=${encodeURIComponent(token)}`, options)
  if (status >= 300) throw new Error(`the LiveKit at ${url} refuses the token: ${status} ${text.slice(0, 200).trim()}`)
  options.onStep('room', `LiveKit ${url} accepts the token`)
  return { moveTo: () => {}, closed: new Promise(() => {}), leave: () => {} }
}

const openSocket = (url: string, protocols: string[], handshakeTimeout: number): WebSocket =>
  new WebSocket(url, protocols, { perMessageDeflate: false, maxPayload: MAX_PACKET_BYTES, handshakeTimeout })

function end(socket: WebSocket): void {
  socket.close()
  setTimeout(() => socket.terminate(), CLOSE_MS).unref()
}
