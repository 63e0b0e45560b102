import { isDeepStrictEqual } from 'node:util'
import { UserError } from '../../cells/chassis/errors.ts'
import { isStatus } from '../../cells/kube/kube-error.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { resources } from '../../cells/kube/resources.ts'
import { type ClusterNamespace, type ClusterOptions, FIELD_MANAGER, inCluster, realmsIn, someOf } from '../cluster/cluster.ts'
import { installedCrds, installedPrograms, USUAL_NAMESPACE } from '../cluster/installation.ts'
import { seen, seenValue } from '../cluster/seen.ts'
import { waitFor } from '../cluster/wait.ts'
import { failingPodsIn } from '../doctor/cluster-facts.ts'
import { installObjects, resourceOf } from '../install/install-objects.ts'
import type { ClusterPorts } from './cluster-ports.ts'

export interface InstallOptions extends ClusterOptions {
  /** Registry and repository of the image, without a tag. */
  imageRepository: string
  /** The API server checks every object, and none is changed. */
  dryRun?: boolean
  /** Takes fields over that other clients have set. */
  force?: boolean
  /** Milliseconds until everything has to run; 0 = it is not waited for. */
  wait: number
}

/**
 * Applies what the chart installs with its default values, and waits until it runs.
 *
 * @throws UserError 1 where Helm looks after the installation, or other clients set its fields; 2 where the image has a tag; 124 when it
 * does not run in time; and as `inCluster`
 */
export async function install(
  { imageRepository, dryRun, force = false, wait, ...options }: InstallOptions,
  ports: ClusterPorts,
): Promise<void> {
  if (!/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+$/.test(imageRepository))
    throw new UserError(
      `${imageRepository} is no repository: expected a registry and a path without a tag, such as registry.example.org/realm-operator.`,
      2,
    )
  return inCluster(options, ports.env, async (cluster) => {
    await refuseHelm(cluster)
    const isNew = (await cluster.client.get(resources.Namespace, { name: USUAL_NAMESPACE })) === undefined
    const objects = installObjects(imageRepository)
    let done = 0
    const apply = async () => {
      for (const object of objects) {
        // In a namespace that a dry run did not create, nothing can be tried.
        const isUntried = dryRun === true && isNew && object.metadata.namespace !== undefined
        const what = isUntried ? 'created, not tried' : await applied(cluster, object, { force, dryRun: dryRun === true })
        done++
        await ports.print(`${nameOf(object)} ${what}${dryRun ? ' (dry run)' : ''}\n`)
      }
      if (!dryRun && wait > 0) await untilRunning(cluster, wait, ports)
    }
    await ports.interruptible(() => (dryRun ? 'Interrupted: nothing was changed.' : leftOf(done, objects.length)), apply)
  })
}

/** What an installation is that was interrupted. The request under way may have been carried out. */
const leftOf = (done: number, all: number): string =>
  done < all
    ? `Interrupted: ${done} of ${all} objects are applied, and maybe the next one. The same command applies the rest; realmctl uninstall deletes them.`
    : 'Interrupted: all objects are applied, and not all runs yet. realmctl doctor says what is missing.'

const nameOf = ({ kind, metadata: { name, namespace } }: KubeObject): string =>
  `${kind} ${namespace ? `${namespace}/` : ''}${name}`

async function refuseHelm({ client }: Pick<ClusterNamespace, 'client'>): Promise<void> {
  const operator = await client.get(resources.Deployment, { namespace: USUAL_NAMESPACE, name: USUAL_NAMESPACE })
  const release = operator?.metadata.annotations?.['meta.helm.sh/release-name']
  if (release)
    throw new UserError(`The release ${release} of Helm is installed in ${USUAL_NAMESPACE}: use helm upgrade and helm uninstall.`)
}

async function applied(
  { client }: ClusterNamespace,
  object: KubeObject,
  options: { force: boolean; dryRun: boolean },
): Promise<string> {
  const resource = resourceOf(object)
  const { name, namespace } = object.metadata
  const before = await client.get(resource, { name, ...(namespace && { namespace }) })
  try {
    const after = await client.apply(resource, object, { fieldManager: FIELD_MANAGER, ...options })
    if (!before) return 'created'
    // A dry run leaves the version of an object as it is.
    if (options.dryRun) return 'accepted'
    return isDeepStrictEqual(contentOf(after), contentOf(before)) ? 'unchanged' : 'configured'
  } catch (error) {
    if (!isStatus(error, 409)) throw error
    throw new UserError(`${nameOf(object)} has fields of other clients; --force takes them over: ${error.message}`, 1, {
      cause: error,
    })
  }
}

/** Without the status, and without the API server's record of who wrote what: an apply that changes nothing may change its order. */
function contentOf(object: KubeObject): object {
  const { status: _, metadata, ...content } = object as KubeObject & { status?: unknown }
  const { managedFields: __, resourceVersion: ___, ...rest } = metadata as KubeObject['metadata'] & { managedFields?: unknown }
  return { ...content, metadata: rest }
}

/** Says what does not run yet, and why where a pod tells. */
async function untilRunning(cluster: ClusterNamespace, timeoutMs: number, ports: ClusterPorts): Promise<void> {
  let said = ''
  await waitFor(
    () => notRunning(cluster),
    (waiting) => waiting.length === 0,
    {
      timeoutMs,
      what: 'everything runs; realmctl doctor says what is missing',
      onRead: async (waiting) => {
        const sentence = waiting.join('; ')
        if (sentence !== said && sentence !== '') ports.say(sentence)
        said = sentence
      },
      ports,
    },
  )
  await ports.print('The operator runs. Next: kubectl apply -f examples/realm.yaml, or realmctl doctor.\n')
}

async function notRunning(cluster: ClusterNamespace): Promise<string[]> {
  const [programs, crds, pods] = await Promise.all([
    installedPrograms(cluster),
    installedCrds(cluster),
    failingPodsIn(cluster.client, [USUAL_NAMESPACE]),
  ])
  const own = (seenValue(programs) ?? []).filter(({ namespace }) => namespace === USUAL_NAMESPACE)
  return [
    ...(seenValue(crds) ?? []).filter(({ established }) => !established).map(({ name }) => `${name} is not served yet`),
    ...own
      .filter(({ replicas: { wanted, ready, updated } }) => ready < wanted || updated < wanted)
      .map(({ program, replicas: { wanted, ready } }) => `${program}: ${ready} of ${wanted} ready`),
    ...[...new Set((seenValue(pods) ?? []).map(({ problem }) => problem))],
  ]
}

export interface UninstallOptions extends ClusterOptions {
  /** Realms may exist: they run on, and no operator looks after them. */
  leaveRealms?: boolean
  /** Deletes the CRDs too, which no Realm may need any more. */
  crds?: boolean
  /** Only says what would be deleted. */
  dryRun?: boolean
}

/**
 * Deletes what `install` applied, but not the namespace, and the CRDs only where that is asked for.
 *
 * @throws UserError 1 while Realms exist, or where Helm looks after the installation; and as `inCluster`
 */
export async function uninstall({ leaveRealms, crds, dryRun, ...options }: UninstallOptions, ports: ClusterPorts): Promise<void> {
  return inCluster(options, ports.env, async (cluster) => {
    await refuseHelm(cluster)
    await refuseRealms(cluster, { leaveRealms: leaveRealms === true, crds: crds === true })
    const isKept = ({ kind }: KubeObject) => kind === 'Namespace' || (kind === 'CustomResourceDefinition' && !crds)
    const objects = installObjects('registry.example.org/any').toReversed()
    let gone = 0
    const left = () =>
      dryRun
        ? 'Interrupted: nothing was deleted.'
        : `Interrupted: ${gone} objects are deleted, and maybe the next one. The same command deletes the rest.`
    await ports.interruptible(left, async () => {
      for (const object of objects) {
        const what = isKept(object) ? undefined : await deleted(cluster, object, dryRun === true)
        if (what === undefined) continue
        gone++
        await ports.print(`${nameOf(object)} ${what}\n`)
      }
    })
    ports.say(
      `The namespace ${USUAL_NAMESPACE}${crds ? ' stays' : ' and the CRDs stay'}: kubectl delete namespace ${USUAL_NAMESPACE} removes it.`,
    )
  })
}

/** Deletes an object, unless it is another's. @returns what became of it; undefined where there is none */
async function deleted({ client }: ClusterNamespace, object: KubeObject, dryRun: boolean): Promise<string | undefined> {
  const resource = resourceOf(object)
  const { name, namespace } = object.metadata
  const key = { name, ...(namespace && { namespace }) }
  const live = await client.get(resource, key)
  if (!live) return undefined
  if (live.metadata.labels?.['app.kubernetes.io/part-of'] !== 'realm-operator') return 'left: it is not of realm-operator'
  if (!dryRun) await client.remove(resource, key, { uid: live.metadata.uid })
  return `deleted${dryRun ? ' (dry run)' : ''}`
}

async function refuseRealms(
  { client }: ClusterNamespace,
  { leaveRealms, crds }: { leaveRealms: boolean; crds: boolean },
): Promise<void> {
  if (leaveRealms && !crds) return
  const known = await seen(() => realmsIn({ client }))
  if ('unseen' in known && /could not find the requested resource/.test(known.unseen)) return
  if ('unseen' in known) throw new UserError(`Whether Realms exist cannot be seen: ${known.unseen}`)
  const names = known.value.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  if (names.length === 0) return
  const some = someOf(names)
  throw new UserError(
    crds
      ? `The CRDs are needed while Realms exist: ${some}. Delete them first: kubectl delete realms -A --all`
      : `Realms exist: ${some}. Delete them first, or add --leave-realms: they run on, and no operator looks after them.`,
  )
}
