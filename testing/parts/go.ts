import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rename, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cached } from './cache.ts'
import { findProgram, outputOf, runCommand } from './command.ts'
import type { Part } from './part.ts'

/** A build from a cold cache took 5 minutes on 2 cores; the limit is six times that, for a slow network and a slow machine. */
const BUILD_TIMEOUT_MS = 30 * 60_000

const OLDEST_GO = 26

/** The names under which the one Kubernetes program is linked. */
export const kubePrograms = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
  'coredns',
  'helm',
  'kstatus',
] as const

const kubeModule = fileURLToPath(new URL('./kube/', import.meta.url))

/** Kubernetes, etcd, CoreDNS, Helm and kstatus, as one program linked under ten names, from the Go module in `kube/`. */
export function kube(): Part {
  const sources = ['main.go', 'go.mod', 'go.sum'].map((file) => readFileSync(join(kubeModule, file)))
  const version = /k8s\.io\/kubernetes v(\S+)/.exec(String(sources[1]))?.[1]
  if (!version) throw new Error(`${kubeModule}go.mod does not require k8s.io/kubernetes`)
  const flags = kubeFlags(version)
  const hash = createHash('sha256').update(flags)
  for (const source of sources) hash.update(source)
  return cached({
    key: `kube-${version}-${hash.digest('hex').slice(0, 12)}`,
    announcement: `building Kubernetes ${version} from its Go modules, about 5 minutes`,
    blocker: () =>
      process.platform === 'linux' ? goBlocker() : 'the parts of Kubernetes run on Linux only: use a Linux machine',
    fill: async (folder) => {
      const program = join(folder, 'kube')
      await runCommand('go', ['build', '-trimpath', '-ldflags', flags, '-o', program, '.'], { cwd: kubeModule, ...goBuild })
      for (const name of kubePrograms) await symlink('kube', join(folder, name))
      await says(join(folder, 'kubectl'), ['version', '--client'], `v${version}`)
      await says(join(folder, 'helm'), ['version', '--short'], 'v')
    },
    path: (folder) => folder,
  })
}

/**
 * Sets the versions at link time: otherwise /version reports v0.0.0, and Helm assumes Kubernetes 1.20 where it does not ask a
 * cluster.
 */
function kubeFlags(version: string): string {
  const [major, minor] = version.split('.')
  const stamps = [
    ...['k8s.io/component-base', 'k8s.io/client-go/pkg'].map((path) => `${path}/version.gitVersion=v${version}`),
    `k8s.io/component-base/version.gitMajor=${major}`,
    `k8s.io/component-base/version.gitMinor=${minor}`,
    ...['common', 'v2/lint/rules'].flatMap((path) => [
      `helm.sh/helm/v4/pkg/chart/${path}.k8sVersionMajor=${major}`,
      `helm.sh/helm/v4/pkg/chart/${path}.k8sVersionMinor=${minor}`,
    ]),
  ]
  return `-s -w ${stamps.map((stamp) => `-X ${stamp}`).join(' ')}`
}

/** A NATS server. */
export const nats = (): Part =>
  goProgram({
    title: 'NATS',
    source: 'github.com/nats-io/nats-server/v2',
    version: '2.11.17',
    name: 'nats-server',
    duration: '15 seconds',
  })

/** A LiveKit server. */
export const livekit = (): Part =>
  goProgram({
    title: 'LiveKit',
    source: 'github.com/livekit/livekit-server/cmd/server',
    ...{ version: '1.13.5', name: 'livekit-server', duration: '80 seconds' },
  })

/** The module of Prometheus numbers 3.16.0 as 0.316.0. */
const PROMETHEUS = '0.316.0'

/** The program with which Prometheus checks rules. */
export const promtool = (): Part =>
  goProgram({
    title: 'promtool',
    source: 'github.com/prometheus/prometheus/cmd/promtool',
    ...{ version: PROMETHEUS, name: 'promtool', duration: '90 seconds' },
    // Finding targets in clouds is half of its code, and nothing that rules need.
    tags: 'remove_all_sd',
    stamps: [`github.com/prometheus/common/version.Version=${PROMETHEUS}`],
  })

/** A Prometheus that finds its targets in files and in Kubernetes, without its web pages. */
export const prometheus = (): Part =>
  goProgram({
    title: 'Prometheus',
    source: 'github.com/prometheus/prometheus/cmd/prometheus',
    ...{ version: PROMETHEUS, name: 'prometheus', duration: '90 seconds' },
    tags: 'remove_all_sd,enable_kubernetes_sd',
    stamps: [`github.com/prometheus/common/version.Version=${PROMETHEUS}`],
  })

/** Helm 3: the parts of Kubernetes have Helm 4. */
export const helm3 = (): Part => {
  const version = '3.22.0'
  const minor = 34
  return goProgram({
    title: 'Helm 3',
    source: 'helm.sh/helm/v3/cmd/helm',
    ...{ version, name: 'helm', duration: '90 seconds' },
    check: { args: ['version'] },
    stamps: [
      `helm.sh/helm/v3/internal/version.version=v${version}`,
      ...['chartutil', 'lint/rules'].flatMap((path) => [
        `helm.sh/helm/v3/pkg/${path}.k8sVersionMajor=1`,
        `helm.sh/helm/v3/pkg/${path}.k8sVersionMinor=${minor}`,
      ]),
    ],
  })
}

/** What puts images together and moves them between registries; it is a registry, too. */
export const crane = (): Part =>
  goProgram({
    title: 'crane',
    source: 'github.com/google/go-containerregistry/cmd/crane',
    ...{ version: '0.22.1', name: 'crane', duration: '20 seconds' },
    check: { args: ['version'] },
    stamps: ['github.com/google/go-containerregistry/cmd/crane/cmd.Version=0.22.1'],
  })

interface GoProgram {
  title: string
  /** The path of the program in its module. */
  source: string
  version: string
  /** What the program is called in its folder. */
  name: string
  /** How long the build takes, about. */
  duration: string
  tags?: string
  /** Values of variables that are set at link time, `path.name=value`. */
  stamps?: readonly string[]
  /** How it is asked for its version, and what it prints; by default `--version`, and this version. */
  check?: { args: readonly string[]; expected?: string }
}

/** The Lua interpreter that Argo CD is built with. */
export const lua = (): Part =>
  goProgram({
    title: 'GopherLua',
    source: 'github.com/yuin/gopher-lua/cmd/glua',
    ...{ version: '1.1.2', name: 'glua', duration: '5 seconds' },
    // It names the version of the language and of itself as of 2017, whichever it is.
    check: { args: ['-v'], expected: 'GopherLua' },
  })

/** A program whose module `go install` can build; the module's own go.sum and the checksum database pin its dependencies. */
const goProgram = ({
  title,
  source,
  version,
  name,
  duration,
  tags = '',
  stamps = [],
  check = { args: ['--version'] },
}: GoProgram): Part =>
  cached({
    key: `${name}-${version}`,
    announcement: `building ${title} ${version} from its Go module, about ${duration}`,
    blocker: goBlocker,
    fill: async (folder) => {
      const flags = ['-s', '-w', ...stamps.map((stamp) => `-X ${stamp}`)].join(' ')
      await runCommand('go', ['install', '-trimpath', '-tags', tags, '-ldflags', flags, `${source}@v${version}`], {
        env: { ...goBuild.env, GOBIN: folder },
        timeoutMs: goBuild.timeoutMs,
      })
      // The program is named after the last element of its path that is not a version.
      const built =
        source
          .replace(/\/v\d+$/, '')
          .split('/')
          .at(-1) ?? name
      if (built !== name) await rename(join(folder, built), join(folder, name))
      await says(join(folder, name), check.args, check.expected ?? version)
    },
    path: (folder) => join(folder, name),
  })

/** How Go is run: it builds what needs no C, and no workspace of this machine. */
export const goBuild = { env: { CGO_ENABLED: '0', GOWORK: 'off' }, timeoutMs: BUILD_TIMEOUT_MS }

/** The folder of a module in Go's cache, where all is read-only; the checksum database says whether it is the right one. */
export async function downloaded(module: string, version: string): Promise<string> {
  const answer = await runCommand('go', ['mod', 'download', '-json', `${module}@v${version}`], goBuild)
  return (JSON.parse(answer) as { Dir: string }).Dir
}

/** Why nothing can be had from Go modules on this machine. */
export function goBlocker(): string | undefined {
  const remedy = `install Go 1.${OLDEST_GO} or newer (https://go.dev/dl)`
  if (!findProgram('go')) return `Go is not installed: ${remedy}`
  const minor = /go1\.(\d+)/.exec(outputOf('go', 'version') ?? '')?.[1]
  return Number(minor) >= OLDEST_GO ? undefined : `the Go that is installed is too old: ${remedy}`
}

/** @throws when a newly made program does not run, or has another version */
export async function says(program: string, args: readonly string[], expected: string): Promise<void> {
  const answer = await runCommand(program, args)
  if (!answer.includes(expected)) throw new Error(`${program} should print ${expected} but printed ${answer.trim()}`)
}
