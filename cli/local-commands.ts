import { type Command, Option } from 'commander'
import { logLevels } from '../cells/chassis/log-level.ts'
import type { IslandsOptions } from './commands/islands.ts'
import type { JoinOptions } from './commands/join.ts'
import type { LoadOptions } from './commands/load.ts'
import type { RenderOptions } from './commands/render.ts'
import type { TopOptions } from './commands/top.ts'
import type { TopOrder } from './commands/top-table.ts'
import { httpUrl, parcel, portNumber, seconds, span, spanOption, wholeNumber } from './option-values.ts'
import { hasColours, pauseForReader, print, runOnce } from './run-once.ts'
import type { UpOptions } from './run-up.ts'

/** Adds the commands that need no cluster. */
export function addLocalCommands(program: Command): void {
  program
    .command('up')
    .description('Run the realms of a manifest on this machine; a saved change of the manifest is applied while they run.')
    .requiredOption('-f, --file <manifest>', 'YAML file with Realm objects, and the Secrets they name')
    .option('-p, --port <number>', 'port of all endpoints; 0 takes a free one', portNumber, 3000)
    .option('--host <address>', 'address to listen on; with :: other machines can connect', '127.0.0.1')
    .option('--public-url <url>', 'base URL that explorers use, when it is not http://host:port', httpUrl)
    .option('--movement-port <number>', 'UDP port of the movement relay; 7777, or the next free one, unless given', portNumber)
    .option('--data <folder>', 'folder of the gatekeepers’ databases', '.realm')
    .addOption(
      new Option('--rooms <kind>', 'which server the rooms use; auto takes LiveKit where one is found')
        .choices(['auto', 'embedded', 'livekit'])
        .default('auto'),
    )
    .option('--livekit <url>', 'a LiveKit to use: ws://host:7880')
    .addOption(new Option('--livekit-api-key <key>', 'its key').env('LIVEKIT_API_KEY'))
    .option('--livekit-api-secret-file <file>', 'file with its secret; otherwise LIVEKIT_API_SECRET')
    .addOption(new Option('--log-level <level>', 'what the services log, on standard error').choices(logLevels).default('warn'))
    .action(loadAndRunUp)

  program
    .command('islands')
    .description('Draw a map of a running realm: its islands, and where its peers are.')
    .argument('[source]', 'URL of a realm or of its statistics, or a file that --json wrote', 'http://127.0.0.1:3000/main')
    .option('-o, --output <file>', 'file to write, - for standard output; islands.svg or islands.json unless given')
    .option('--json', 'write the data instead of a map; the file can be drawn later')
    .action((source: string, options: IslandsOptions) =>
      runOnce(async () => {
        const { islands, REALM_LIMITS, ALL_REQUESTS_MS } = await import('./commands/islands.ts')
        const { fetchJson } = await import('../cells/chassis/fetch-json.ts')
        const endsAt = performance.now() + ALL_REQUESTS_MS
        const leftMs = () => Math.max(1, Math.min(REALM_LIMITS.timeoutMs, endsAt - performance.now()))
        await islands(source, options, {
          ask: (url) => fetchJson(url, { ...REALM_LIMITS, timeoutMs: Math.ceil(leftMs()) }),
          say: (sentence) => process.stdout.write(`${sentence}\n`),
          print,
          now: () => new Date(),
        })
      }),
    )

  addTop(program)
  addLoad(program)

  program
    .command('join')
    .description('Enter a realm as an explorer does, with a throw-away wallet, and show the time of each step.')
    .argument('[realm]', 'URL of the realm, with or without /about', httpUrl, 'http://127.0.0.1:3000/main')
    .option('--at <x,y>', 'parcel to stand on; otherwise one far from all players', parcel)
    .option('--for <span>', 'time to stay, such as 60s', span)
    .addOption(spanOption('--timeout <span>', 'longest time of a step', '10s'))
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table'))
    .action((url: string, options: JoinOptions) =>
      runOnce(async () => {
        const { join } = await import('./commands/join.ts')
        await join(url, options, {
          print,
          now: () => performance.now(),
          sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
        })
      }),
    )

  program
    .command('validate')
    .description('Judge manifests as a cluster would, without one: file, line and field of every mistake.')
    .requiredOption('-f, --file <manifest...>', 'YAML files with Realm objects; - is standard input')
    .action(({ file }: { file: string[] }) =>
      runOnce(async () => (await import('./commands/validate.ts')).validate(file, { stdin: process.stdin, print })),
    )

  program
    .command('render')
    .description(
      'Print every object that an operator creates for new Realms, without a cluster. Uids and generated passwords are placeholders.',
    )
    .requiredOption('-f, --file <manifest...>', 'YAML files with Realm objects; - is standard input')
    .option('--image-repository <name>', 'image.repository of the chart', 'REGISTRY/realm-operator')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['yaml', 'json']).default('yaml'))
    .action((options: RenderOptions) =>
      runOnce(async () => (await import('./commands/render.ts')).render(options, { stdin: process.stdin, print })),
    )
}

async function loadAndRunUp(options: UpOptions): Promise<void> {
  const { prepareEngine } = await import('../cells/gatekeeper/adapters/pglite.ts')
  const endUnusedEngine = prepareEngine()
  const { runUp } = await import('./run-up.ts')
  await runUp(options, endUnusedEngine)
}

function addLoad(program: Command): void {
  program
    .command('load')
    .description(
      'Have many players with throw-away wallets enter a realm of yours, and show how long they took and what they met. Ctrl-C ends it with the report.',
    )
    .argument('[realm]', 'URL of the realm, with or without /about', httpUrl, 'http://127.0.0.1:3000/main')
    .option('--players <number>', 'how many, at most 10000', wholeNumber, 100)
    .option('--rate <number>', 'players who begin to enter in a second, at most 1000', wholeNumber, 20)
    .addOption(spanOption('--for <span>', 'time they stay after the last one began to enter, at most 1h', '30s'))
    .addOption(spanOption('--timeout <span>', 'longest time of a step', '10s'))
    .option('--at <x,y>', 'parcel in the middle of the crowd', parcel, [0, 0] as const)
    .option('--spread <parcels>', 'parcels in each direction on which they stand', wholeNumber, 5)
    .option('--rooms', 'enter embedded rooms, and have LiveKit check the tokens')
    .option('--yes-this-is-my-realm', 'load a realm that is not on this machine, in a cluster or in a private network')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table'))
    .action((url: string, options: LoadOptions) =>
      runOnce(async () => {
        const [{ load }, { systemClock: clock }] = await Promise.all([
          import('./commands/load.ts'),
          import('../cells/chassis/clock.ts'),
        ])
        const ended = new AbortController()
        // A second Ctrl-C ends the process at once.
        process.once('SIGINT', () => ended.abort())
        return load(url, options, { print, say, clock, signal: ended.signal })
      }),
    )
}

const say = (sentence: string): void => void process.stderr.write(`${sentence}\n`)

const TOP_ORDERS: readonly TopOrder[] = ['players', 'islands', 'joins', 'heartbeats', 'refusals', 'name']
const DEFAULT_WATCH_SECONDS = 2
const SNAPSHOT_LIMITS = { timeoutMs: 10_000, maxBytes: 64 * 1024 * 1024 }

function addTop(program: Command): void {
  program
    .command('top')
    .description('Show how many players the realms of a realm provider and their cells have, and what happens in them.')
    .argument('[provider]', 'URL of the realm provider', 'http://127.0.0.1:3000')
    .option('-w, --watch [seconds]', 'show it again and again, each two seconds unless given', seconds)
    .option('-r, --realm <name>', 'show only this realm')
    .addOption(new Option('-s, --sort <column>', 'which realms come first').choices(TOP_ORDERS).default('players'))
    .option('--token-file <file>', 'file with the token of the console; otherwise CONSOLE_TOKEN')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table'))
    .action((provider: string, { watch, ...options }: Omit<TopOptions, 'watch'> & { watch?: number | true }) =>
      runOnce(async () => {
        const { top } = await import('./commands/top.ts')
        const { fetchJson } = await import('../cells/chassis/fetch-json.ts')
        const repeated = watch !== undefined && { watch: watch === true ? DEFAULT_WATCH_SECONDS : watch }
        const ask = (url: string, authorization?: string) =>
          fetchJson(url, { ...SNAPSHOT_LIMITS, ...(authorization !== undefined && { authorization }) })
        await top(provider, { ...options, ...repeated }, { env: process.env, ask, print, pause: pauseForReader, screen })
      }),
    )
}

const screen = () => (process.stdout.isTTY ? { ...sizeOf(process.stdout), colours: hasColours() } : undefined)

const sizeOf = ({ columns, rows }: { columns: number; rows: number }) => ({ columns, rows })
