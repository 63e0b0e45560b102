import { type Command, Option } from 'commander'
import { logLevels } from '../cells/chassis/log-level.ts'
import type { JoinOptions } from './commands/join.ts'
import type { LoadOptions } from './commands/load.ts'
import { httpUrl, parcel, portNumber, span, spanOption, wholeNumber } from './option-values.ts'
import { print, runOnce } from './run-once.ts'
import type { UpOptions } from './run-up.ts'

/** Adds the commands that run realms or players on this machine. */
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
