import type { SpanClock } from '../../cells/chassis/clock.ts'
import { UserError } from '../../cells/chassis/errors.ts'
import type { FetchResult } from '../../cells/chassis/fetch-json.ts'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import { isStatus } from '../../cells/kube/kube-error.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { conditionOf, type Realm } from '../../crds/realm.ts'
import { realmResource } from '../../crds/resources.ts'
import type { JoinOutcome } from '../observers/synthetic-join/join-cell.ts'

/** What a check uses; `say` gets a sentence for each step. */
export interface InstallCheckParts {
  kube: Pick<KubeClient, 'create' | 'get' | 'remove'>
  /** Namespace of the realm. */
  namespace: string
  /** Base URL of the realm provider. */
  providerUrl: string
  /** Requests JSON. */
  fetch: (url: string) => Promise<FetchResult>
  /** Joins a cell as a player does, at the URL of its sockets. */
  join: (url: string) => Promise<JoinOutcome>
  clock: SpanClock
  /** How long the realm may take until it is published, and until it is gone, in ms. */
  patienceMs: number
  say: (sentence: string) => void
}

/** The realm of the check; two checks at a time would take each other's. */
const NAME = 'install-check'
const LOOK_AGAIN_MS = 2_000
/** A node refuses connections to a Service that has its first pod until it has learned of it, and one of two providers may be behind. */
const SETTLE_MS = 30_000

/**
 * Makes a realm, waits until explorers find it, joins it as a player does, and removes it, also when a step failed.
 *
 * @throws UserError with the step that failed, and what the realm says of itself
 */
export async function checkInstallation(parts: InstallCheckParts): Promise<void> {
  const { kube, namespace, say } = parts
  const key = { namespace, name: NAME }
  const realm = { ...realmResource, metadata: key, spec: { livekit: { type: 'None' }, cells: { replicas: 1 } } }
  const { plural: _, ...object } = realm
  await kube.create(realmResource, object as KubeObject).catch((error: unknown) => {
    throw isStatus(error, 409) ? failure(existing(namespace)) : error
  })
  say(`made the realm ${NAME} in the namespace ${namespace}`)
  try {
    const published = await untilPublished(parts)
    await readAbout(parts)
    await joinCells(parts, published)
  } finally {
    await kube.remove(realmResource, key)
  }
  await until(parts, 'the realm is still there', async () => (await kube.get(realmResource, key)) === undefined || undefined)
  say('removed it')
}

async function untilPublished(parts: InstallCheckParts): Promise<Realm> {
  let message = 'the operator says nothing about the realm'
  const realm = await until(
    parts,
    () => `the realm is not published: ${message}`,
    async () => {
      const seen = (await parts.kube.get(realmResource, { namespace: parts.namespace, name: NAME })) as Realm | undefined
      const published = seen && conditionOf(seen, 'Published')
      const ready = seen && conditionOf(seen, 'Ready')
      message = [ready, published].find((condition) => condition && condition.status !== 'True')?.message ?? message
      return published?.status === 'True' && ready?.status === 'True' ? seen : undefined
    },
  )
  parts.say('it is ready, and published')
  return realm
}

async function readAbout(parts: InstallCheckParts): Promise<void> {
  const url = `${parts.providerUrl}/${NAME}/about`
  await untilSettled(parts, async () => {
    const answer = await parts.fetch(url)
    if (!answer.ok) return `${url}: ${answer.reason}`
    return answer.status === 200 ? undefined : `${url} answers with the status ${answer.status}`
  })
  parts.say(`read ${url}`)
}

async function joinCells(parts: InstallCheckParts, { status }: Realm): Promise<void> {
  const urls = (status?.endpoints ?? []).filter(({ state }) => state === 'Serving').map(({ adapter }) => socketUrlOf(adapter))
  if (urls.length === 0) throw failure('no cell of the realm serves players')
  for (const url of urls) {
    await untilSettled(parts, async () => {
      const outcome = await parts.join(url)
      return outcome.ok ? undefined : `a player could not join at ${url}: ${outcome.message}`
    })
    parts.say(`joined at ${url}: signed in, and was given an island`)
  }
}

/** The address within `archipelago:archipelago:wss://…`. */
const socketUrlOf = (adapter: string): string => adapter.replace(/^.*?(?=wss?:\/\/)/, '')

/** Attempts what may fail at first. @param attempt resolves with what is wrong */
async function untilSettled(parts: InstallCheckParts, attempt: () => Promise<string | undefined>): Promise<void> {
  let wrong: string | undefined
  await until(
    { ...parts, patienceMs: Math.min(parts.patienceMs, SETTLE_MS) },
    () => wrong ?? '',
    async () => {
      wrong = await attempt()
      return wrong === undefined || undefined
    },
  )
}

async function until<T>(
  { clock, patienceMs }: InstallCheckParts,
  reason: string | (() => string),
  look: () => Promise<T | undefined>,
): Promise<T> {
  const startedAt = clock.monotonic()
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (clock.monotonic() - startedAt >= patienceMs)
      throw failure(`${typeof reason === 'string' ? reason : reason()} (after ${patienceMs / 1000} s)`)
    await new Promise<void>((resolve) => clock.after(LOOK_AGAIN_MS, resolve))
  }
}

const existing = (namespace: string) =>
  `the realm ${NAME} exists already: another check runs, or one was killed. If none runs: kubectl delete realm ${NAME} -n ${namespace}`

const failure = (sentence: string) => new UserError(sentence, 1)
