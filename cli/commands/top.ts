import { withoutTrailingSlash } from '../../cells/chassis/base-url.ts'
import { UserError } from '../../cells/chassis/errors.ts'
import type { FetchResult } from '../../cells/chassis/fetch-json.ts'
import { readToken } from './gatekeeper-call.ts'
import { readTopData, type TopData } from './top-data.ts'
import { type TopOrder, topTable } from './top-table.ts'

export interface TopOptions {
  output?: 'table' | 'json'
  /** Seconds until the next time; absent = once. */
  watch?: number
  sort?: TopOrder
  /** Name of the only realm that is shown: `main`, or `namespace/name` of the Realm. */
  realm?: string
  /** File with the token of the console; otherwise the environment variable. */
  tokenFile?: string
}

/** Side effects of `top`. */
export interface TopPorts {
  env: Readonly<Record<string, string | undefined>>
  ask(url: string, authorization: string | undefined): Promise<FetchResult>
  /** Adds what only the API server knows, where it is asked. */
  withUse?(data: TopData): Promise<TopData>
  /** Writes to standard output. */
  print(text: string): Promise<void>
  /** The size of the terminal that is written to; undefined where it is none. */
  screen(): { columns: number; rows: number; colours: boolean } | undefined
  /** Returns false when there is no reader of the output any more. */
  pause(seconds: number): Promise<boolean>
}

/** To the upper left corner. What was there is written over, so that nothing flickers. */
const HOME = '\u001b[H'
const CLEAR_LINE_END = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

/**
 * Prints how many players the realms and cells of a realm provider have, and what happens in them, once or again and again.
 *
 * @param provider URL of the realm provider, or of its console
 * @throws UserError 1 when the provider refuses, 2 when an argument is invalid, 4 when it does not answer; while it watches, only for the
 * first answer
 */
export async function top(provider: string, options: TopOptions, ports: TopPorts): Promise<void> {
  const url = snapshotUrl(provider)
  const token = options.tokenFile || ports.env.CONSOLE_TOKEN ? await readToken('CONSOLE_TOKEN', options, ports.env) : undefined
  const read = async () => {
    const data = await readSnapshot(url, provider, options.realm, token, ports)
    return ports.withUse ? ports.withUse(data) : data
  }
  let data = await read()
  await ports.print(shown(data, '', options, ports))
  while (options.watch !== undefined && (await ports.pause(options.watch))) {
    let problem = ''
    try {
      data = await read()
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      problem = error.message
    }
    await ports.print(shown(data, problem, options, ports))
  }
}

function snapshotUrl(provider: string): string {
  const url = URL.parse(provider)
  if (!url || !/^https?:$/.test(url.protocol)) throw new UserError(`${provider} is no URL: expected http://… or https://….`, 2)
  return `${url.origin}${withoutTrailingSlash(url.pathname).replace(/\/console$/, '')}/console/snapshot`
}

async function readSnapshot(
  url: string,
  provider: string,
  realm: string | undefined,
  token: string | undefined,
  { ask }: TopPorts,
): Promise<TopData> {
  const answer = await ask(url, token && `Bearer ${token}`)
  if (!answer.ok) throw new UserError(`${provider} does not answer: ${answer.reason || 'no answer'}`, 4)
  if (answer.status === 401 || answer.status === 403)
    throw new UserError(
      `${provider} refuses (${answer.status}): give the token of its console with --token-file, or set CONSOLE_TOKEN.`,
      1,
    )
  const data = answer.status === 200 ? readTopData(answer.body) : undefined
  if (!data) throw new UserError(`${provider} is no realm provider with a console: ${url} answers ${answer.status}.`, 4)
  if (realm === undefined) return data
  const found = data.realms.filter((each) => each.realmName === realm || `${each.namespace}/${each.name}` === realm)
  if (found.length === 0) throw new UserError(`${provider} has no realm ${realm}.`, 2)
  return { ...data, realms: found }
}

/** What is printed. A problem is that of the last reading: the data is of an earlier one. */
function shown(data: TopData, problem: string, options: TopOptions, { screen }: TopPorts): string {
  const isWatching = options.watch !== undefined
  if (options.output === 'json') {
    const document = { ...data, ...(problem && { problem }) }
    return `${isWatching ? JSON.stringify(document) : JSON.stringify(document, null, 2)}\n`
  }
  const size = screen()
  const table = topTable(data, options.sort ?? 'players', {
    width: size?.columns,
    height: isWatching ? size?.rows : undefined,
    colours: size?.colours === true,
  })
  const text = problem ? `${table}${problem} The table is of ${data.at}.\n` : table
  if (!isWatching) return text
  return size ? HOME + text.replaceAll('\n', `${CLEAR_LINE_END}\n`) + CLEAR_BELOW : `${text}\n`
}
