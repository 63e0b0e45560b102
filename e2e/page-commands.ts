import { execFile } from 'node:child_process'
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { freshFolder } from '../testing/fresh-folder.ts'
import { REALMCTL } from '../testing/realmctl.ts'
import { typedCommands } from '../tools/book/written-pages.ts'

/** Commands of pages that are not run in a cluster with the realm `main`, and why. */
const NOT_RUN: readonly (readonly [RegExp, string])[] = [
  [/^kubectl (apply|delete) .*-f /, 'operator/e2e/crds.test.ts sends every example to an API server'],
  [/example\.org|REALM-PROVIDER|http:/, 'needs that address: e2e/verbs.ts has the same command for a realm of this machine'],
  [/\b(friends|small|city|plaza|plaza-tokyo|busy-0-connectors)\b/, 'is about a realm that other commands of its page make'],
  [/\bcopy\b|--for=delete/, 'is about a pod that other commands of its page make or end'],
  [/"storage"/, 'needs a volume'],
  [/"replicas":2|"version":/, 'needs a database of yours, or an image of that version'],
  [/--from-file|\/tmp\/FILE|--previous/, 'needs a file, or a container that has ended'],
  [/gateways|gatewayclasses|httproutes|certificates/, 'is about kinds that are not installed there'],
  [/describe (ingress|service NAME-livekit-media)/, 'is about a realm that is exposed in another way'],
  [/^realmctl (forward|join|top$)/, 'runs until it is stopped, or needs an address'],
]

/** These change something, or read what others of them made. */
const CHANGES = /^kubectl (create|exec|patch|scale|get secret) /
/** After it, nothing runs that others are about. */
const ENDS = /^kubectl scale realm .*=0$/
const MINUTE = 60_000
const AT_ONCE = 3

interface Place {
  kubeconfig: string
  namespace: string
  /** Folder with a kubectl. */
  kube: string
  /** A pod of the realm. */
  pod: string
}

/** Runs each command of the pages that is about some realm, or the one called main, as it stands there; those that change something at the end. */
export async function runPageCommands({ kubeconfig, namespace, kube, pod }: Place): Promise<number> {
  const commands = typedCommands().filter(({ words: [program = ''] }) => program === 'kubectl' || program === 'realmctl')
  for (const [pattern, why] of NOT_RUN) expect([why, commands.some(({ text }) => pattern.test(text))]).toEqual([why, true])
  const filledIn = (text: string) =>
    text
      .replaceAll(/\bNAME\b/g, 'main')
      .replaceAll(/\bNS\b/g, namespace)
      .replaceAll(/\bCELL\b/g, 'main-0')
      .replaceAll(/\bPOD\b/g, pod)
  const texts = new Set(commands.map(({ text }) => text).filter((text) => !NOT_RUN.some(([pattern]) => pattern.test(text))))
  const folder = freshFolder()
  symlinkSync(join(REALMCTL, '../../examples'), join(folder, 'examples'))
  const realmctl = join(folder, 'realmctl')
  writeFileSync(realmctl, `#!/bin/sh\nexec '${process.execPath}' '${REALMCTL}' "$@"\n`)
  chmodSync(realmctl, 0o755)
  const env = { ...process.env, KUBECONFIG: kubeconfig, PATH: `${folder}:${kube}:${process.env.PATH}` }
  const run = (text: string) =>
    new Promise<[string, number | string, string]>((resolve) => {
      execFile('bash', ['-c', filledIn(text)], { cwd: folder, env, timeout: MINUTE }, (error, out, err) =>
        resolve([text, error ? (error.code ?? 'killed') : 0, error ? out + err : '']),
      )
    })
  // On a slow machine a pod is not ready now and then.
  const runs = (text: string) =>
    vi.waitFor(async () => expect(await run(text)).toEqual([text, 0, '']), { timeout: MINUTE, interval: 1_000 })
  await runs(`kubectl config set-context --current --namespace=${namespace}`)
  const waiting = [...texts].filter((text) => !CHANGES.test(text))
  const next = async () => {
    for (let text = waiting.shift(); text !== undefined; text = waiting.shift()) await runs(text)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next))
  const changes = [...texts].filter((text) => CHANGES.test(text))
  for (const text of changes.toSorted((a, b) => Number(ENDS.test(a)) - Number(ENDS.test(b)))) await runs(text)
  return texts.size
}
