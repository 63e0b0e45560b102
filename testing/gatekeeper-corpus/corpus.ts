import { signedHeaders } from '../player/signed-fetch.ts'
import { createWallet } from '../player/wallet.ts'

/** The tokens of the gatekeeper under test; requests that need one that is not given are left out. */
export interface Tokens {
  moderator?: string | undefined
  service?: string | undefined
}

/** One request, and what the protocol of Decentraland's Comms Gatekeeper says of its answer. */
export interface Question {
  title: string
  method: 'GET' | 'POST' | 'DELETE' | 'HEAD'
  path: string
  /** Signed by a new wallet, with this metadata. */
  signed?: Record<string, unknown>
  token?: keyof Tokens
  body?: string
  status: number
  /** Fields of the answer and their types; `error` is text in every refusal. */
  shape?: Shape
}

/** `text`, `number`, `boolean`, a list of one shape, or an object with at least these fields. */
export type Shape = 'text' | 'number' | 'boolean' | 'any' | readonly [Shape] | { readonly [field: string]: Shape }

const error = { error: 'text' } as const
/** How signed routes besides `/get-scene-adapter` refuse. */
const refusal = { ok: 'boolean', message: 'text' } as const
const player = createWallet('corpus player').address
const banned = createWallet('corpus villain').address
const scene = { realmName: 'main', sceneId: 'bafkreicorpus', parcel: '0,0' }
const ofScene = { signer: 'decentraland-kernel-scene', realm: { serverName: 'main', hostname: 'main', protocol: 'v3' }, ...scene }

/** In the order in which they are asked: later ones build on earlier ones. */
export const questions: readonly Question[] = [
  { title: 'liveness', method: 'GET', path: '/ping', status: 200 },
  {
    title: 'the build',
    method: 'GET',
    path: '/status',
    status: 200,
    shape: { version: 'text', currentTime: 'number', commitHash: 'text' },
  },
  { title: 'the build, without its body', method: 'HEAD', path: '/status', status: 200 },
  { title: 'a path that is none', method: 'GET', path: '/no-such-path', status: 404 },

  { title: 'a room of a scene, unsigned', method: 'POST', path: '/get-scene-adapter', body: '{}', status: 401, shape: error },
  {
    title: 'a room of a scene',
    method: 'POST',
    path: '/get-scene-adapter',
    signed: scene,
    body: '{}',
    status: 200,
    shape: { adapter: 'text' },
  },
  {
    ...{ title: 'a room of a scene without its id', method: 'POST', path: '/get-scene-adapter', status: 400, shape: error },
    signed: { realmName: 'main' },
  },
  {
    title: 'a room without a realm',
    method: 'POST',
    path: '/get-scene-adapter',
    signed: { sceneId: 'x' },
    status: 401,
    shape: error,
  },

  {
    title: 'whether a player is banned',
    method: 'GET',
    path: `/users/${player}/bans`,
    status: 200,
    shape: { data: { isBanned: 'boolean' } },
  },
  {
    title: 'a ban by a stranger',
    method: 'POST',
    path: `/users/${banned}/bans`,
    body: '{"reason":"corpus"}',
    status: 401,
    shape: error,
  },
  { title: 'the bans, for a stranger', method: 'GET', path: '/bans', status: 401, shape: error },
  {
    ...{
      title: 'a ban',
      method: 'POST',
      path: `/users/${banned}/bans`,
      token: 'moderator',
      body: '{"reason":"corpus"}',
      status: 201,
    },
    shape: { data: { id: 'text', bannedAddress: 'text', bannedBy: 'text', reason: 'text', bannedAt: 'text', expiresAt: 'any' } },
  },
  {
    ...{
      title: 'a second ban of the same player',
      method: 'POST',
      path: `/users/${banned}/bans`,
      token: 'moderator',
      status: 409,
    },
    ...{ body: '{"reason":"corpus"}', shape: { error: 'text', message: 'text' } },
  },
  {
    title: 'the bans',
    method: 'GET',
    path: '/bans',
    token: 'moderator',
    status: 200,
    shape: { data: [{ bannedAddress: 'text' }] },
  },
  {
    title: 'a ban without a reason',
    method: 'POST',
    path: `/users/${player}/bans`,
    token: 'moderator',
    body: '{}',
    status: 400,
    shape: refusal,
  },
  { title: 'the end of a ban', method: 'DELETE', path: `/users/${banned}/bans`, token: 'moderator', status: 204 },
  { title: 'the end of no ban', method: 'DELETE', path: `/users/${banned}/bans`, token: 'moderator', status: 404, shape: error },
  {
    ...{
      title: 'a warning',
      method: 'POST',
      path: `/users/${player}/warnings`,
      token: 'moderator',
      body: '{"reason":"corpus"}',
      status: 201,
    },
    shape: { data: { id: 'text', warnedAddress: 'text', warnedBy: 'text', reason: 'text', warnedAt: 'text' } },
  },
  {
    ...{ title: 'the warnings of a player', method: 'GET', path: `/users/${player}/warnings`, token: 'moderator', status: 200 },
    shape: { data: [{ warnedAddress: 'text', reason: 'text' }] },
  },

  { title: 'the bans of a scene, unsigned', method: 'GET', path: '/scene-bans', status: 400, shape: refusal },
  {
    title: 'the bans of a scene, signed by no scene',
    method: 'GET',
    path: '/scene-bans',
    signed: scene,
    status: 400,
    shape: refusal,
  },
  {
    ...{
      title: 'a ban from a scene that names no player',
      method: 'POST',
      path: '/scene-bans',
      signed: ofScene,
      body: '{}',
      status: 400,
    },
    shape: refusal,
  },
  {
    title: 'an administrator that is no wallet',
    method: 'POST',
    path: '/scene-admin',
    signed: ofScene,
    body: '{"admin":"x"}',
    status: 400,
    shape: refusal,
  },
  { title: 'the administrators of a scene, unsigned', method: 'GET', path: '/scene-admin', status: 400, shape: refusal },

  { title: 'private messages, unsigned', method: 'GET', path: '/private-messages/token', status: 400, shape: refusal },
  {
    title: 'private messages',
    method: 'GET',
    path: '/private-messages/token',
    signed: { signer: 'dcl:explorer' },
    status: 200,
    shape: { adapter: 'text' },
  },
  {
    title: 'a webhook that LiveKit did not sign',
    method: 'POST',
    path: '/livekit-webhook',
    body: '{}',
    status: 400,
    shape: error,
  },
  { title: 'a service without a token', method: 'GET', path: `/users/${player}/ban-status`, status: 401, shape: error },
  {
    title: 'a service',
    method: 'GET',
    path: `/users/${player}/ban-status`,
    token: 'service',
    status: 200,
    shape: { isBanned: 'boolean' },
  },
]

/** How an answer differs from what was expected; undefined where it does not. */
export interface Difference {
  question: Question
  found: string
}

const TIMEOUT_MS = 10_000

/** Asks a gatekeeper all questions for which there is a token, one after the other. @throws when it does not answer */
export async function ask(url: string, tokens: Tokens): Promise<{ asked: number; differences: Difference[] }> {
  const chosen = questions.filter(({ token }) => token === undefined || tokens[token] !== undefined)
  const differences: Difference[] = []
  for (const question of chosen) {
    const found = await differenceOf(question, url, tokens)
    if (found !== undefined) differences.push({ question, found })
  }
  return { asked: chosen.length, differences }
}

async function differenceOf({ method, path, signed, token, body, status, shape, title }: Question, url: string, tokens: Tokens) {
  const address = `${url}${path}${token === 'moderator' ? '?moderator=corpus' : ''}`
  const headers = {
    ...(signed &&
      signedHeaders(new URL(address).pathname, { wallet: createWallet(title), method: method as 'GET', metadata: signed })),
    ...(token && { authorization: `Bearer ${tokens[token]}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const answer = await fetch(address, {
    method,
    headers,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(body !== undefined && { body }),
  })
  const text = await answer.text()
  if (answer.status !== status) return `${answer.status} ${text.slice(0, 200)}`
  return shape === undefined ? undefined : misfit(jsonIn(text), shape, 'the answer')
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Where a value is not of a shape. */
function misfit(value: unknown, shape: Shape, place: string): string | undefined {
  if (shape === 'any') return undefined
  if (typeof shape === 'string')
    return typeof value === (shape === 'text' ? 'string' : shape) ? undefined : `${place} is no ${shape}`
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return `${place} is no list`
    return value.map((item, n) => misfit(item, shape[0] as Shape, `${place}[${n}]`)).find((found) => found !== undefined)
  }
  if (typeof value !== 'object' || value === null) return `${place} is no object`
  const fields = Object.entries(shape as Record<string, Shape>)
  return fields
    .map(([field, inner]) => misfit((value as Record<string, unknown>)[field], inner, `${place}.${field}`))
    .find((found) => found !== undefined)
}
