#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { Command, InvalidArgumentError, Option } from 'commander'
import { withoutTrailingSlash } from '../cells/chassis/base-url.ts'
import { UserError } from '../cells/chassis/errors.ts'
import { logLevels } from '../cells/chassis/log-level.ts'
import type { AdminsOptions } from './commands/admins.ts'
import type { ModeratorOptions, OutputFormat } from './commands/gatekeeper-call.ts'
import type { IslandsOptions } from './commands/islands.ts'
import type { BanOptions } from './commands/moderate.ts'
import type { WhoOptions } from './commands/who.ts'
import type { UpOptions } from './run-up.ts'
import { version } from './version.ts'

// What a command runs is loaded when it runs, so that help, completion and wrong arguments are answered at once. The compiled
// code is kept in the folder for temporary files, with which the next start takes half the time.
enableCompileCache()

const program = new Command('realmctl')
  .description('Runs realms, the communications of a virtual world, on this machine, and draws maps of their islands.')
  .version(version)
  .showSuggestionAfterError()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

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
  .action(async (options: UpOptions) => {
    const { runUp } = await import('./run-up.ts')
    await runUp(options)
  })

program
  .command('islands')
  .description('Draw a map of a running realm: its islands, and where its peers are.')
  .argument('[source]', 'URL of a realm or of its statistics, or a file that --json wrote', 'http://127.0.0.1:3000/main')
  .option('-o, --output <file>', 'file to write, - for standard output; islands.svg or islands.json unless given')
  .option('--json', 'write the data instead of a map; the file can be drawn later')
  .action((source: string, options: IslandsOptions) =>
    runOnce(async () => {
      const { islands, REALM_LIMITS } = await import('./commands/islands.ts')
      const { fetchJson } = await import('../cells/chassis/fetch-json.ts')
      await islands(source, options, {
        ask: (url) => fetchJson(url, REALM_LIMITS),
        say: (sentence) => process.stdout.write(`${sentence}\n`),
        print,
        now: () => new Date(),
      })
    }),
  )

const moderatorPorts = { env: process.env, say: (sentence: string) => void process.stderr.write(`${sentence}\n`), print }

const moderation = () => import('./commands/moderate.ts')

/** A command that asks a gatekeeper on behalf of a moderator. */
const moderatorCommand = (name: string, description: string): Command =>
  program
    .command(name)
    .description(description)
    .requiredOption('-g, --gatekeeper <url>', 'base URL of the gatekeeper: status.urls.gatekeeper of the Realm', httpUrl)
    .option('--token-file <file>', 'file with the moderators’ token; otherwise MODERATOR_TOKEN')
    .option('--as <name>', 'name for the record of decisions; otherwise the user of this machine')

moderatorCommand('ban', 'Ban a player, and the device the player last used, from a realm.')
  .argument('<wallet>', 'address of the player')
  .requiredOption('-r, --reason <text>', 'why; only moderators see it')
  .option('-d, --days <number>', 'how long; otherwise until the ban is lifted', days)
  .option('-m, --message <text>', 'what the player is shown')
  .action((wallet: string, options: BanOptions) => runOnce(async () => (await moderation()).ban(wallet, options, moderatorPorts)))

moderatorCommand('unban', 'Lift the ban of a player.')
  .argument('<wallet>', 'address of the player')
  .action((wallet: string, options: ModeratorOptions) =>
    runOnce(async () => (await moderation()).unban(wallet, options, moderatorPorts)),
  )

moderatorCommand('kick', 'Remove a player once from all rooms and connectors of a realm; the player may come back.')
  .argument('<wallet>', 'address of the player')
  .requiredOption('-r, --reason <text>', 'why; only moderators see it')
  .action((wallet: string, options: ModeratorOptions & { reason: string }) =>
    runOnce(async () => (await moderation()).kick(wallet, options, moderatorPorts)),
  )

moderatorCommand('who', 'Show where a player is, when it was last seen, and what was decided about it.')
  .argument('<wallet>', 'address of the player')
  .option('--stats <url>', 'base URL of the statistics: status.urls.stats of the Realm; otherwise beside the gatekeeper', httpUrl)
  .addOption(outputOption())
  .action((wallet: string, options: WhoOptions) =>
    runOnce(async () => {
      const { who } = await import('./commands/who.ts')
      const { fetchJson } = await import('../cells/chassis/fetch-json.ts')
      const ask = (url: string) => fetchJson(url, { timeoutMs: 10_000, maxBytes: 64 * 1024 * 1024 })
      await who(wallet, options, { ...moderatorPorts, ask })
    }),
  )

moderatorCommand(
  'admins',
  'List who may moderate a realm or, with --scene or --world, who administers a scene; add and remove those.',
)
  .option('--scene <x,y|id>', 'a parcel of the scene, or its id')
  .option('--world <name>', 'world that the scene is in; without --scene, its scene at 0,0')
  .option('--add <wallet>', 'make a wallet an administrator of the scene')
  .option('--remove <wallet>', 'take the administration of the scene away from a wallet')
  .option('-r, --reason <text>', 'why; only moderators see it')
  .addOption(outputOption())
  .action((options: AdminsOptions) => runOnce(async () => (await import('./commands/admins.ts')).admins(options, moderatorPorts)))

moderatorCommand('bans', 'List the bans in force: wallet, since, until, by, why.')
  .addOption(outputOption())
  .action((options: ModeratorOptions & { output?: OutputFormat }) =>
    runOnce(async () => (await moderation()).bans(options, moderatorPorts)),
  )

moderatorCommand('decisions', 'List who decided what about whom: the latest hundred decisions.')
  .option('--of <wallet>', 'only those about this player')
  .addOption(outputOption())
  .action((options: ModeratorOptions & { output?: OutputFormat; of?: string }) =>
    runOnce(async () => (await moderation()).decisions(options, moderatorPorts)),
  )

await program.parseAsync()

/** Runs a command that ends by itself; prints the sentence of a UserError and exits with its code. */
async function runOnce(command: () => Promise<void>): Promise<void> {
  try {
    await command()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = error.exitCode
  }
}

/** Writes to standard output; a reader that closes the pipe is not an error. */
function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? resolve() : reject(error)))
    process.stdout.write(text, () => resolve())
  })
}

function outputOption(): Option {
  return new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table')
}

function portNumber(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('a port is a number from 0 to 65535.')
  return port
}

function days(text: string): number {
  const number = Number(text)
  if (!(number > 0 && number <= 36_500)) throw new InvalidArgumentError('expected a number of days up to 36500.')
  return number
}

function httpUrl(text: string): string {
  if (!/^https?:\/\/[^/]/.test(text) || !URL.canParse(text)) throw new InvalidArgumentError('expected http://… or https://….')
  return withoutTrailingSlash(text)
}
