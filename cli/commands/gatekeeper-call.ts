import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import { plain, tableOf } from '../output/table.ts'

/** How a moderator reaches a gatekeeper. */
export interface ModeratorOptions {
  /** Base URL of the gatekeeper, as the Realm's `status.urls.gatekeeper` has it. */
  gatekeeper: string
  /** File with the moderators' token; otherwise the environment variable. */
  tokenFile?: string
  /** The name that the record of decisions gets; the user of this machine by default. */
  as?: string
}

/** How a list is printed: aligned columns for people, or all that the gatekeeper answered, as JSON. */
export type OutputFormat = 'table' | 'json'

/** Side effects of these commands. */
export interface ModeratorPorts {
  env: Readonly<Record<string, string | undefined>>
  say(sentence: string): void
  print(text: string): Promise<void>
}

const TIMEOUT_MS = 10_000
const ADDRESS = /^0x[0-9a-fA-F]{40}$/

/** @throws UserError 2 for what is no wallet address */
export function addressOf(wallet: string): string {
  if (!ADDRESS.test(wallet)) throw new UserError(`${wallet} is no wallet address: expected 0x and 40 hex digits.`, 2)
  return wallet
}

/**
 * Sends one request to a gatekeeper with the moderators' token.
 *
 * @throws UserError 1 when the gatekeeper refuses, 2 when there is no token, 4 when it does not answer
 */
export async function callGatekeeper(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  options: ModeratorOptions,
  { env }: ModeratorPorts,
  body?: object,
): Promise<unknown> {
  const token = await readToken('MODERATOR_TOKEN', options, env)
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
  if (answer.ok) return text === '' ? undefined : parsed(text, options.gatekeeper)
  if (answer.status === 404 && isNoRoute(text)) throw noGatekeeper(options.gatekeeper, `it has no ${path.split('?')[0]}`)
  const remedy = answer.status === 401 ? ` ${NOT_AUTHORIZED}` : ''
  throw new UserError(
    `The gatekeeper refuses (${answer.status}): ${plain(messageIn(text))}${remedy}`,
    answer.status >= 500 ? 4 : 1,
  )
}

const NOT_AUTHORIZED = '(The token is that of the Secret which spec.gatekeeper.moderatorTokenSecret of the Realm names.)'

function parsed(text: string, gatekeeper: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw noGatekeeper(gatekeeper, 'its answer is not JSON', error)
  }
}

const noGatekeeper = (url: string, why: string, cause?: unknown): UserError =>
  new UserError(`${url} is no gatekeeper: ${why}. Give status.urls.gatekeeper of the Realm.`, 4, { cause })

/** Whether a 404 is that of a server without such a path, and not the word of a gatekeeper that something does not exist. */
function isNoRoute(text: string): boolean {
  try {
    const { error, message } = JSON.parse(text) as { error?: unknown; message?: unknown }
    return error === 'Not Found' && message === undefined
  } catch {
    return true
  }
}

/** The token in a file, or else in a variable. @throws UserError 2 when there is none */
export async function readToken(
  variable: 'MODERATOR_TOKEN' | 'CONSOLE_TOKEN',
  { tokenFile }: { tokenFile?: string },
  env: ModeratorPorts['env'],
): Promise<string> {
  if (tokenFile === undefined) {
    const given = env[variable]
    if (given) return given
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

/** Prints what a gatekeeper answered, as JSON, or some of it as a table with a title for each column. */
export async function printList<Row>(
  rows: readonly Row[],
  columns: Readonly<Record<string, (row: Row) => string | null>>,
  { output, none, print }: { output: OutputFormat | undefined; none: string } & Pick<ModeratorPorts, 'print'>,
): Promise<void> {
  if (output === 'json') return print(`${JSON.stringify(rows, null, 2)}\n`)
  if (rows.length === 0) return print(`${none}\n`)
  const cells = rows.map((row) => Object.values(columns).map((cell) => cell(row) ?? '-'))
  await print(tableOf([Object.keys(columns).map((title) => title.toUpperCase()), ...cells]))
}
