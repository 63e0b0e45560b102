import { type Command, Option } from 'commander'
import type { ClusterOptions } from './cluster/cluster.ts'
import type { CellStateOptions } from './commands/cell-state.ts'
import type { ClusterOutput, ClusterPorts } from './commands/cluster-ports.ts'
import type { DoctorOptions } from './commands/doctor.ts'
import type { ForwardOptions } from './commands/forward.ts'
import type { GetOptions } from './commands/get.ts'
import type { InstallOptions, UninstallOptions } from './commands/install.ts'
import type { ReportOptions } from './commands/report.ts'
import type { RolloutOptions } from './commands/rollout.ts'
import type { ScaleOptions } from './commands/scale.ts'
import type { StatusOptions } from './commands/status.ts'
import type { VersionOptions } from './commands/version.ts'
import { portNumber, span, spanOption, wholeNumber } from './option-values.ts'
import { hasColours, interruptible, print, runOnce } from './run-once.ts'

/** Adds the commands for realms of a cluster, which work with the kubeconfig and the rights of kubectl. */
export function addClusterCommands(program: Command): void {
  const ports = portsOf()
  command(program, 'get', 'List the realms of a cluster.')
    .argument('[realm...]', 'names of Realms; otherwise all of the namespace')
    .option('-A, --all-namespaces', 'of all namespaces')
    .addOption(output('table', 'wide', 'json', 'yaml', 'name'))
    .action((names: string[], options: GetOptions) =>
      runOnce(async () => (await import('./commands/get.ts')).get(names, options, ports)),
    )

  command(
    program,
    'status',
    'Show how a realm is: its cells and players, what is wrong, and what goes on. Ends with 1 unless all is well.',
  )
    .argument('<realm>', 'name of the Realm')
    .option('-w, --watch', 'print it again whenever it has changed')
    .option('--wait <span>', 'wait until it is as its spec says, such as 10m; ends with 124 after that time', span)
    .addOption(output('table', 'json', 'yaml'))
    .action((name: string, options: StatusOptions) =>
      runOnce(async () => (await import('./commands/status.ts')).status(name, options, ports)),
    )

  command(
    program,
    'forward',
    'Open a realm of a cluster on this machine, so that an explorer enters it although it is exposed nowhere. Needs the right to port-forward.',
  )
    .argument('<realm>', 'name of the Realm')
    .option('-p, --port <number>', 'port of all endpoints, on 127.0.0.1; 0 takes a free one', portNumber, 3000)
    .action(async (name: string, options: ForwardOptions) => (await import('./run-forward.ts')).runForward(name, options))

  addRolloutCommands(program, ports)
  addCareCommands(program, ports)
  addInstallCommands(program, ports)

  command(program, 'scale', 'Set the number of cells of a realm, or of connectors of one of its cells.')
    .argument('<realm>', 'name of the Realm')
    .option('--cells <number>', 'cells of the realm; 0 hibernates it', wholeNumber)
    .option('--connectors <number>', 'connectors of the cell that --cell names', wholeNumber)
    .option('--cell <name>', 'name of the CommsCell')
    .option('--wait <span>', 'wait until the realm has them, such as 10m; ends with 124 after that time', span)
    .action((name: string, options: ScaleOptions) =>
      runOnce(async () => (await import('./commands/scale.ts')).scale(name, options, ports)),
    )

  const cellCommand = (verb: 'cordon' | 'drain' | 'uncordon', description: string) =>
    command(program, verb, description)
      .argument('<cell>', 'name of the CommsCell')
      .option('--wait <span>', 'wait until it is done, such as 10m; ends with 124 after that time', span)
      .action((name: string, options: CellStateOptions) =>
        runOnce(async () => (await import('./commands/cell-state.ts')).setCellState(verb, name, options, ports)),
      )
  cellCommand('cordon', 'Send new players to other cells; those in the cell stay.')
  cellCommand('drain', 'Send new players to other cells, and move those in the cell there, too.')
  cellCommand('uncordon', 'Take a cell back that was cordoned or drained.')
}

function addInstallCommands(program: Command, ports: ClusterPorts): void {
  command(
    program,
    'install',
    'Install the operator into a cluster, with the default values of the chart, and wait until it runs. For other values there is Helm.',
  )
    .requiredOption('--image-repository <name>', 'registry and repository that the image was pushed to, without a tag')
    .option('--dry-run', 'have the API server check every object, and change none')
    .option('--force', 'take over fields that other clients have set')
    .addOption(spanOption('--wait <span>', 'how long it is waited for; 0s does not wait; ends with 124 after that time', '5m'))
    .action((options: InstallOptions) => runOnce(async () => (await import('./commands/install.ts')).install(options, ports)))

  command(program, 'uninstall', 'Delete what install has applied; the namespace stays, and the CRDs unless told otherwise.')
    .option('--leave-realms', 'although Realms exist: they run on, and no operator looks after them')
    .option('--crds', 'delete the CRDs, too; no Realm may exist')
    .option('--dry-run', 'only say what would be deleted')
    .action((options: UninstallOptions) => runOnce(async () => (await import('./commands/install.ts')).uninstall(options, ports)))
}

/** What looks after an installation. */
function addCareCommands(program: Command, ports: ClusterPorts): void {
  command(
    program,
    'doctor',
    'Check an installation and all its realms, or one realm in detail, and say what to do. Before the installation, check the cluster. Ends with 1 where a check fails.',
  )
    .argument('[realm]', 'name of the Realm')
    .addOption(output('table', 'json', 'yaml'))
    .action((name: string | undefined, options: DoctorOptions) =>
      runOnce(async () => {
        const [{ doctor }, { doctorProbes }] = await Promise.all([import('./commands/doctor.ts'), import('./run-doctor.ts')])
        return doctor(name, options, { ...ports, probes: doctorProbes() })
      }),
    )

  command(
    program,
    'report',
    'Write what is known of a realm into one file, for those who help: objects, Events, logs, versions, checks. No Secret is in it.',
  )
    .argument('<realm>', 'name of the Realm')
    .option('-o, --output <file>', 'file to write; otherwise realm-NAME-TIME.tar.gz')
    .option('--redact', 'remove tokens and keys, and give wallets and IP addresses other names; this is the default')
    .option('--no-redact', 'keep wallets and IP addresses; tokens and keys are removed all the same')
    .action((name: string, options: ReportOptions) =>
      runOnce(async () => {
        const [{ report }, { doctorProbes }, { archiveWriter }] = await Promise.all([
          import('./commands/report.ts'),
          import('./run-doctor.ts'),
          import('./report/archive.ts'),
        ])
        await report(name, options, { ...ports, probes: doctorProbes(), writeArchive: archiveWriter(interruptible) })
      }),
    )

  command(
    program,
    'version',
    'Show the versions of this program, the operator, the CRDs and the cluster. Ends with 1 where they do not fit together.',
  )
    .option('--client', 'only that of this program, without a cluster')
    .addOption(output('table', 'json', 'yaml'))
    .action((options: VersionOptions) => runOnce(async () => (await import('./commands/version.ts')).version(options, ports)))
}

function addRolloutCommands(program: Command, ports: ClusterPorts): void {
  const rollout = program.command('rollout').description('Watch, hold and undo changes of a realm.')
  const rolloutCommand = (verb: string, description: string) =>
    command(rollout, verb, description).argument('<realm>', 'name of the Realm')
  rolloutCommand('status', 'Say how far a rollout is. Ends with 1 unless it is over.')
    .option('--wait <span>', 'wait until it is over, such as 10m; ends with 124 after that time', span)
    .action((name: string, options: RolloutOptions) =>
      runOnce(async () => (await import('./commands/rollout.ts')).rolloutStatus(name, options, ports)),
    )
  rolloutCommand('pause', 'Hold everything of a realm that runs as it is.').action((name: string, options: ClusterOptions) =>
    runOnce(async () => (await import('./commands/rollout.ts')).pause(name, options, ports)),
  )
  const wait = 'wait until the rollout is over, such as 10m; ends with 124 after that time'
  rolloutCommand('resume', 'Let a rollout go on that is paused, or that waits after its canary cells.')
    .option('--wait <span>', wait, span)
    .action((name: string, options: RolloutOptions) =>
      runOnce(async () => (await import('./commands/rollout.ts')).resume(name, options, ports)),
    )
  rolloutCommand('undo', 'Go back to the version that the other cells of the realm have.')
    .option('--to-version <version>', 'another version to go back to')
    .option('--wait <span>', wait, span)
    .action((name: string, options: RolloutOptions & { toVersion?: string }) =>
      runOnce(async () => (await import('./commands/rollout.ts')).undo(name, options, ports)),
    )
  rolloutCommand('history', 'List what the cells of a realm were created from.')
    .addOption(output('table', 'json'))
    .action((name: string, options: ClusterOptions & { output?: 'table' | 'json' }) =>
      runOnce(async () => (await import('./commands/rollout.ts')).history(name, options, ports)),
    )
}

/** A command that works in a cluster. */
const command = (parent: Command, name: string, description: string): Command =>
  parent
    .command(name)
    .description(description)
    .option('-n, --namespace <name>', 'namespace; otherwise the one of the context')
    .option('--context <name>', 'context of the kubeconfig; otherwise its current one')
    .option('--kubeconfig <file>', 'kubeconfig; otherwise KUBECONFIG, or ~/.kube/config')

const portsOf = (): ClusterPorts => ({
  env: process.env,
  print,
  say: (sentence) => void process.stderr.write(`${sentence}\n`),
  interruptible,
  today: () => Date.now(),
  now: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  style: { width: process.stdout.isTTY ? process.stdout.columns : undefined, colours: hasColours() },
})

const output = (...formats: [ClusterOutput, ...ClusterOutput[]]): Option =>
  new Option('-o, --output <format>', 'how it is printed').choices(formats).default('table')
