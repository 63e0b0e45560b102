import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { freshFolder } from '../testing/fresh-folder.ts'
import { startProgram } from '../testing/program.ts'
import { REALMCTL } from '../testing/realmctl.ts'
import { typedCommands } from '../tools/book/written-pages.ts'

/** Commands of pages that are not run in a cluster with the realm `main`, and why. */
const NOT_RUN: readonly (readonly [RegExp, string])[] = [
  [
    /^kubectl apply -f examples\/city\.yaml|realm\/city\b|status city$/,
    'needs servers of yours: a NATS, a LiveKit and a PostgreSQL',
  ],
  [/\bfriends\b|small\.localhost$/, 'needs a host name, and an Ingress controller or a server behind it'],
  [/plaza-tokyo/, 'is about a realm of another cluster'],
  [/\bcopy(-pod\.yaml)?\b|--for=delete/, 'is about a pod with a volume, or one that another command of its page ends'],
  [/"storage"|main-bans\.yaml$/, 'needs a volume, and no node of this cluster has a provisioner'],
  [/"replicas":2/, 'needs a database of yours'],
  [/^realmctl load /, 'is a load of a thousand players for minutes; e2e/verbs.ts has a small one'],
  [/^realmctl admins .*--scene /, 'needs a scene, and no content server is there'],
  [/describe service NAME-proxy/, 'is about a realm that is exposed by a proxy of its own'],
  [/\/moderated\//, 'is about a realm of a laptop: e2e/verbs.ts has the same commands for one'],
]

/** How players outside reach a LiveKit. */
const OUTSIDE = { type: 'NodePort', tcpPort: 30_781, udpPort: 30_782, addresses: { ipv4: '203.0.113.7' } }

/** What a command is about that others do not make: a command of ours that makes it before. */
const MADE_BEFORE: readonly (readonly [RegExp, string])[] = [
  [/\/tmp\/FILE/, 'kubectl exec POD -- node -e \'fs.writeFileSync("/tmp/FILE", "")\''],
  [
    /-g https:\/\/main\.example\.org/,
    `kubectl patch realm main --type merge -p '${JSON.stringify({ spec: { gatekeeper: { moderatorTokenSecret: { name: 'moderators' } } } })}'`,
  ],
  [/livekit-media/, `kubectl patch realm main --type merge -p '${JSON.stringify({ spec: { livekit: { service: OUTSIDE } } })}'`],
  [/--previous/, "kubectl exec POD -- node -e 'process.kill(1)'"],
]

/** About the realm `small`, in this order. */
const OF_SMALL: readonly RegExp[] = [
  /^kubectl apply -f examples\/small\.yaml$/,
  /^kubectl apply -f realms\/$/,
  /^kubectl wait .* realm\/small /,
  /^realmctl status small$/,
  /^realmctl forward small$/,
  /^realmctl join http:\/\/127\.0\.0\.1:3000$/,
  /^kubectl patch realm small /,
  /^kubectl describe ingress NAME /,
]
/** About the realm `main` as realmctl forward opens it, in this order. */
const FORWARDED: readonly RegExp[] = [/^realmctl forward main /, /^realmctl (islands|join|top$).*/]
/** These change something, or read what others of them made; the later ones after the others. */
const CHANGES: readonly RegExp[] = [
  /^kubectl (create|exec|scale|get secret) (?!.*=0$)/,
  /--previous/,
  /^kubectl patch (?!.*"version")|-g https:/,
  /^kubectl apply .*(hpa|keda|argo-cd\S*)\.yaml$/,
  /\bhpa busy-0-connectors|service NAME-livekit-media/,
  // From here on, nothing runs that others are about.
  /"version":/,
  /^kubectl scale realm .*=0$/,
  /^kubectl apply -f examples\/realm\.yaml$/,
  /^kubectl delete -f /,
]
const MINUTE = 60_000
const AT_ONCE = 3

interface Place {
  kubeconfig: string
  namespace: string
  /** Folder with a kubectl. */
  kube: string
  /** A pod of the realm. */
  pod: string
  /** URL of the realm provider. */
  provider: string
  /** Folders with CRDs of other projects. */
  crds: readonly string[]
}

/** Runs each command of the pages that is about some realm, or the one called main, as it stands there; those that change something at the end. */
export async function runPageCommands(place: Place): Promise<number> {
  const commands = typedCommands().filter(({ words: [program = ''] }) => program === 'kubectl' || program === 'realmctl')
  for (const [pattern, why] of NOT_RUN) expect([why, commands.some(({ text }) => pattern.test(text))]).toEqual([why, true])
  const texts = new Set(commands.map(({ text }) => text).filter((text) => !NOT_RUN.some(([pattern]) => pattern.test(text))))
  await using shell = await aShell(place)
  const inOrder = [...OF_SMALL, ...FORWARDED, ...CHANGES]
  const isOf = (patterns: readonly RegExp[]) => (text: string) => patterns.some((pattern) => pattern.test(text))
  const rest = [...texts].filter((text) => !isOf(inOrder)(text))
  const next = async () => {
    for (let text = rest.shift(); text !== undefined; text = rest.shift()) await shell.runs(text)
  }
  const oneByOne = async (patterns: readonly RegExp[], at: (text: string) => string = (text) => text) => {
    for (const pattern of patterns) {
      const matching = [...texts].filter((text) => patterns.find((each) => each.test(text)) === pattern)
      expect([pattern, matching.length]).not.toEqual([pattern, 0])
      for (const text of matching) await shell.runs(text, at(text))
    }
  }
  const ofSmall = (text: string) => text.replace(/\bNAME\b/, 'small')
  await Promise.all([...Array.from({ length: AT_ONCE }, next), oneByOne(OF_SMALL, ofSmall).then(() => oneByOne(FORWARDED))])
  await oneByOne(CHANGES)
  return texts.size
}

/** Runs commands as a person types them, in a folder with what they need. */
async function aShell({ kubeconfig, namespace, kube, pod, provider, crds }: Place) {
  const folder = freshFolder()
  symlinkSync(join(REALMCTL, '../../examples'), join(folder, 'examples'))
  mkdirSync(join(folder, 'realms'))
  symlinkSync(join(folder, 'examples/small.yaml'), join(folder, 'realms/small.yaml'))
  writeFileSync(join(folder, 'ca.crt'), 'a certificate')
  const realmctl = join(folder, 'realmctl')
  writeFileSync(realmctl, `#!/bin/sh\nexec '${process.execPath}' '${REALMCTL}' "$@"\n`)
  chmodSync(realmctl, 0o755)
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH: `${folder}:${kube}:${process.env.PATH}` }
  const forwards: ReturnType<typeof startProgram>[] = []
  /** URL of the realm that was forwarded last. */
  let forwarded = ''
  const filledIn = (text: string) =>
    text
      .replaceAll(/\bNAME\b/g, 'main')
      .replaceAll(/\bNS\b/g, namespace)
      .replaceAll(/\bCELL\b/g, 'main-0')
      .replaceAll(/\bPOD\b/g, pod)
      .replaceAll('http://127.0.0.1:3000', forwarded)
      .replace(/^realmctl (top|join --at .*)$/, `$& ${forwarded}`)
      // How long a player stays is for people to see.
      .replace(/--for (5m|60s)/, '--for 1s')
      .replaceAll('http://REALM-PROVIDER', provider)
      .replaceAll(/http:\/\/10\.200\.0\.1\/main|https:\/\/main\.example\.org(?= |$)/g, `${provider}/main`)
      .replaceAll('https://main.example.org/gatekeeper', `${provider}/at/${namespace}/main/gatekeeper`)
  const run = (text: string, typed = text) =>
    new Promise<[string, number | string, string]>((resolve) => {
      execFile('bash', ['-c', filledIn(typed)], { cwd: folder, env, timeout: MINUTE }, (error, out, err) =>
        resolve([text, error ? (error.code ?? 'killed') : 0, error ? out + err : '']),
      )
    })
  /** On a slow machine a pod is not ready now and then. */
  const succeeds = (text: string, typed?: string) =>
    vi.waitFor(async () => expect(await run(text, typed)).toEqual([text, 0, '']), { timeout: MINUTE, interval: 1_000 })
  const runs = async (text: string, typed = text): Promise<void> => {
    if (text.startsWith('realmctl forward ')) {
      // Another program of this machine may have port 3000.
      const program = startProgram('bash', ['-c', `exec ${text} --port 0`], { cwd: folder, env })
      forwards.push(program)
      ;[, forwarded = ''] = await program.prints(/is on this machine at (\S+)/)
      return
    }
    for (const [pattern, before] of MADE_BEFORE) if (pattern.test(text)) await succeeds(before)
    await succeeds(text, typed)
  }
  await runs(`kubectl config set-context --current --namespace=${namespace}`)
  await runs(`kubectl create namespace argocd ${crds.map((path) => `&& kubectl create -f ${path}`).join(' ')}`)
  return {
    runs,
    async [Symbol.asyncDispose]() {
      for (const program of forwards) await program[Symbol.asyncDispose]()
    },
  }
}
