import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'

/** How a moderator reaches a gatekeeper. */
export interface ModeratorOptions {
  /** Base URL of the gatekeeper, as the Realm's `status.urls.gatekeeper` has it. */
  gatekeeper: string
  /** File with the moderators' token; otherwise the environment variable. */
  tokenFile?: string
  /** The name that the record of decisions gets; the user of this machine by default. */
  as?: string
}

export interface BanOptions extends ModeratorOptions {
  reason: string
  /** Days; until it is lifted by default. */
  days?: number
  message?: string
}

/** Side effects of these commands. */
export interface ModeratorPorts {
  env: Readonly<Record<string, string | undefined>>
  say(sentence: string): void
  print(text: string): Promise<void>
}

const TIMEOUT_MS = 10_000
const DAY_MS = 24 * 3_600_000
const ADDRESS = /^0x[0-9a-fA-F]{40}$/

/** @throws UserError 1 when the gatekeeper refuses, 2 when an argument is invalid, 4 when it does not answer */
export async function ban(wallet: string, options: BanOptions, ports: ModeratorPorts): Promise<void> {
  const { reason, days, message } = options
  const duration = days === undefined ? {} : { duration: days * DAY_MS }
  const body = { reason, ...duration, ...(message !== undefined && { customMessage: message }) }
  await ask('POST', `/users/${addressOf(wallet)}/bans`, options, ports, body)
  ports.say(`Banned ${wallet}${days === undefined ? '' : ` for ${days} days`}.`)
}

/** Lifts the ban of a wallet. @throws UserError as `ban` */
export async function unban(wallet: string, options: ModeratorOptions, ports: ModeratorPorts): Promise<void> {
  await ask('DELETE', `/users/${addressOf(wallet)}/bans`, options, ports)
  ports.say(`${wallet} is not banned any more.`)
}

interface Ban {
  bannedAddress: string
  bannedBy: string
  bannedAt: string
  expiresAt: string | null
  reason: string
}

/** Prints the bans in force, one a line, or as JSON. @throws UserError as `ban` */
export async function bans(options: ModeratorOptions & { json?: boolean }, ports: ModeratorPorts): Promise<void> {
  const { data } = (await ask('GET', '/bans', options, ports)) as { data: Ban[] }
  if (options.json) return ports.print(`${JSON.stringify(data, null, 2)}\n`)
  const lines = data.map(({ bannedAddress, bannedAt, expiresAt, bannedBy, reason }) =>
    [bannedAddress, bannedAt, expiresAt ?? 'until lifted', plain(bannedBy), plain(reason)].join('\t'),
  )
  await ports.print(lines.map((line) => `${line}\n`).join(''))
}

interface Decision {
  decidedAt: string
  actor: string
  action: string
  target: string
  placeId: string | null
  reason: string | null
  result: string
}

/** Prints the latest decisions, one a line, or as JSON. @throws UserError as `ban` */
export async function decisions(
  options: ModeratorOptions & { json?: boolean; of?: string },
  ports: ModeratorPorts,
): Promise<void> {
  const about = options.of === undefined ? '' : `?target=${addressOf(options.of)}`
  const { data } = (await ask('GET', `/moderation/decisions${about}`, options, ports)) as { data: Decision[] }
  if (options.json) return ports.print(`${JSON.stringify(data, null, 2)}\n`)
  const lines = data.map(({ decidedAt, actor, action, target, placeId, reason, result }) =>
    [decidedAt, plain(actor), action, target, plain(placeId ?? '-'), plain(reason ?? '-'), result].join('\t'),
  )
  await ports.print(lines.map((line) => `${line}\n`).join(''))
}

/** Without line breaks and control characters, which could move the cursor of a terminal. */
const plain = (text: string): string => text.replace(/\p{Cc}+/gu, ' ')

function addressOf(wallet: string): string {
  if (!ADDRESS.test(wallet)) throw new UserError(`${wallet} is no wallet address: expected 0x and 40 hex digits.`, 2)
  return wallet
}

async function ask(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  options: ModeratorOptions,
  { env }: ModeratorPorts,
  body?: object,
): Promise<unknown> {
  const token = await tokenOf(options, env)
  const moderator = encodeURIComponent(options.as ?? userInfo().username)
  const url = `${options.gatekeeper}${path}${path.includes('?') ? '&' : '?'}moderator=${moderator}`
  const answer = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}` },
    redirect: 'error', // the token is for this gatekeeper
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(body && { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw new UserError(`${options.gatekeeper} does not answer: ${messageOf(error)}`, 4, { cause: error })
  })
  const text = await answer.text()
  if (answer.ok) return text === '' ? undefined : JSON.parse(text)
  throw new UserError(`The gatekeeper refuses (${answer.status}): ${plain(messageIn(text))}`, answer.status >= 500 ? 4 : 1)
}

async function tokenOf({ tokenFile }: ModeratorOptions, env: ModeratorPorts['env']): Promise<string> {
  if (tokenFile === undefined) {
    if (env.MODERATOR_TOKEN) return env.MODERATOR_TOKEN
    throw new UserError('A moderators’ token is needed: give --token-file, or set MODERATOR_TOKEN.', 2)
  }
  const text = await readFile(tokenFile, 'utf8').catch((error: unknown) => {
    throw new UserError(`${tokenFile} cannot be read: ${messageOf(error)}`, 2, { cause: error })
  })
  return text.trim()
}

function messageIn(text: string): string {
  try {
    const { message, error } = JSON.parse(text) as { message?: unknown; error?: unknown }
    return String(message ?? error ?? text)
  } catch {
    return text.slice(0, 200)
  }
}
