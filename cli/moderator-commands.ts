import { type Command, Option } from 'commander'
import type { AdminsOptions } from './commands/admins.ts'
import type { ModeratorOptions, OutputFormat } from './commands/gatekeeper-call.ts'
import type { BanOptions } from './commands/moderate.ts'
import type { WhoOptions } from './commands/who.ts'
import { days, httpUrl } from './option-values.ts'
import { print, runOnce } from './run-once.ts'

const moderatorPorts = { env: process.env, say: (sentence: string) => void process.stderr.write(`${sentence}\n`), print }

const moderation = () => import('./commands/moderate.ts')

/** Adds the commands that ask a gatekeeper on behalf of a moderator. */
export function addModeratorCommands(program: Command): void {
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
    .action((wallet: string, options: BanOptions) =>
      runOnce(async () => (await moderation()).ban(wallet, options, moderatorPorts)),
    )

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
    .option(
      '--stats <url>',
      'base URL of the statistics: status.urls.stats of the Realm; otherwise beside the gatekeeper',
      httpUrl,
    )
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
    .action((options: AdminsOptions) =>
      runOnce(async () => (await import('./commands/admins.ts')).admins(options, moderatorPorts)),
    )

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
}

function outputOption(): Option {
  return new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table')
}
