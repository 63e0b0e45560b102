import { type Command, Option } from 'commander'
import type { ClusterOptions } from './cluster/cluster.ts'
import type { IslandsOptions } from './commands/islands.ts'
import type { RenderOptions } from './commands/render.ts'
import type { TopOptions } from './commands/top.ts'
import type { TopOrder } from './commands/top-table.ts'
import { seconds } from './option-values.ts'
import { hasColours, pauseForReader, print, runOnce } from './run-once.ts'

/** Adds the commands that look at a running realm or at a manifest, without a kubeconfig. */
export function addViewCommands(program: Command): void {
  program
    .command('islands')
    .description('Draw a map of a running realm: its islands, and where its peers are.')
    .argument('[source]', 'URL of a realm or of its statistics, or a file that --json wrote', 'http://127.0.0.1:3000/main')
    .option('-o, --output <file>', 'file to write, - for standard output; islands.svg or islands.json unless given')
    .option('--json', 'write the data instead of a map; the file can be drawn later')
    .action((source: string, options: IslandsOptions) =>
      runOnce(async () => {
        const { islands, REALM_LIMITS, withinTime } = await import('./commands/islands.ts')
        const { fetchJson } = await import('../cells/chassis/fetch-json.ts')
        await islands(source, options, {
          ask: withinTime(
            (url, timeoutMs) => fetchJson(url, { ...REALM_LIMITS, timeoutMs }),
            () => performance.now(),
          ),
          say: (sentence) => process.stdout.write(`${sentence}\n`),
          print,
          now: () => new Date(),
        })
      }),
    )

  addTop(program)

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

const TOP_ORDERS: readonly TopOrder[] = ['players', 'islands', 'joins', 'heartbeats', 'refusals', 'name']
const DEFAULT_WATCH_SECONDS = 2
const SNAPSHOT_LIMITS = { timeoutMs: 10_000, maxBytes: 64 * 1024 * 1024 }

function addTop(program: Command): void {
  program
    .command('top')
    .description('Show how many players the realms of a realm provider and their cells have, and what happens in them.')
    .argument('[provider]', 'URL of the realm provider', 'http://127.0.0.1:3000')
    .option(
      '-k, --cluster',
      'ask the realm provider of a cluster through its API server, and show connectors, joins, CPU and memory, too',
    )
    .option('-n, --namespace <name>', 'with --cluster: namespace to look into where not all may be read')
    .option('--context <name>', 'with --cluster: context of the kubeconfig; otherwise its current one')
    .option('--kubeconfig <file>', 'with --cluster: kubeconfig; otherwise KUBECONFIG, or ~/.kube/config')
    .option('-w, --watch [seconds]', 'show it again and again, each two seconds unless given', seconds)
    .option('-r, --realm <name>', 'show only this realm')
    .addOption(new Option('-s, --sort <column>', 'which realms come first').choices(TOP_ORDERS).default('players'))
    .option('--token-file <file>', 'file with the token of the console; otherwise CONSOLE_TOKEN')
    .addOption(new Option('-o, --output <format>', 'how it is printed').choices(['table', 'json']).default('table'))
    .action((provider: string, options: TopCommandOptions) => runOnce(() => runTop(provider, options)))
}

interface TopCommandOptions extends Omit<TopOptions, 'watch'>, ClusterOptions {
  watch?: number | true
  cluster?: true
}

async function runTop(provider: string, { watch, cluster, ...options }: TopCommandOptions): Promise<void> {
  const { top } = await import('./commands/top.ts')
  const repeated = watch !== undefined && { watch: watch === true ? DEFAULT_WATCH_SECONDS : watch }
  const common = { env: process.env, print, pause: pauseForReader, screen }
  if (cluster) {
    const [{ inCluster }, { clusterTop }] = await Promise.all([
      import('./cluster/cluster.ts'),
      import('./commands/top-cluster.ts'),
    ])
    return inCluster(options, process.env, async (opened) => {
      const found = await clusterTop(opened, () => performance.now())
      await top(found.provider, { ...options, ...repeated }, { ...common, ...found })
    })
  }
  const { fetchJson } = await import('../cells/chassis/fetch-json.ts')
  const ask = (url: string, authorization?: string) =>
    fetchJson(url, { ...SNAPSHOT_LIMITS, ...(authorization !== undefined && { authorization }) })
  await top(provider, { ...options, ...repeated }, { ...common, ask })
}

const screen = () => (process.stdout.isTTY ? { ...sizeOf(process.stdout), colours: hasColours() } : undefined)

const sizeOf = ({ columns, rows }: { columns: number; rows: number }) => ({ columns, rows })
