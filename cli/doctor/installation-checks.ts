import type { V1Node } from '@kubernetes/client-node'
import { readRelayAddress, relayText } from '../../cells/wire/relay-address.ts'
import { conditionOf, type Realm } from '../../crds/realm.ts'
import type { RelayAnswer } from '../../operator/observed/relay-state.ts'
import { type InstalledProgram, skewsOf } from '../cluster/installation.ts'
import { reportOf } from '../cluster/realm-report.ts'
import { seenValue } from '../cluster/seen.ts'
import type { Check } from '../output/checks.ts'
import { checkOf, failed, passed, skipped, warning } from './check.ts'
import { type ApiServerFacts, type ClusterFacts, keyOf, LEADERLESS_MS, type PodFact, type Right } from './cluster-facts.ts'

// Pure: from what was read of a cluster to the checks of its installation.

/** docs/install.md: the oldest Kubernetes that is supported. */
const OLDEST_KUBERNETES = [1, 31] as const
const SKEW_MS = 2_000
/** Leases and tokens of players tolerate less than this. */
const BAD_SKEW_MS = 30_000
const INSTALL = 'realmctl install --image-repository REGISTRY/realm-operator, or the helm command of docs/install.md'

/** The API server, and the clock of this machine beside its. */
export const apiServerChecks = (facts: ApiServerFacts): Check[] => [
  { name: 'api-server', ...apiServerState(facts) },
  ...(facts.version === undefined ? [] : [{ name: 'clock', ...clockState(facts) }]),
]

function apiServerState({ server, version, problem, tookMs }: ApiServerFacts): Omit<Check, 'name'> {
  if (version === undefined) return failed(`${server}: ${problem}`, 'kubectl config view --minify; kubectl version')
  const [, major = '0', minor = '0'] = /^v(\d+)\.(\d+)/.exec(version) ?? []
  const seen = `${version} at ${server}, answered in ${Math.round(tookMs)} ms`
  const [oldestMajor, oldestMinor] = OLDEST_KUBERNETES
  const isSupported = Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor)
  return isSupported ? passed(seen) : failed(`${seen}; 1.31 is the oldest that is supported`, 'upgrade the cluster')
}

function clockState({ aheadMs }: ApiServerFacts): Omit<Check, 'name'> {
  if (aheadMs === undefined) return skipped('the API server does not say what time it is')
  const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1)
  const seen = `the clock of this machine is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of the API server`
  if (Math.abs(aheadMs) < SKEW_MS) return passed('this machine and the API server agree what time it is')
  const judge = Math.abs(aheadMs) < BAD_SKEW_MS ? warning : failed
  return judge(seen, 'synchronize the clocks by NTP: leases, certificates and signed requests depend on them')
}

/** Whether nothing of an installation exists, so that a doctor can only say whether there could be one. */
export const isPreflight = ({ crds, programs }: ClusterFacts): boolean =>
  seenValue(crds)?.length === 0 && seenValue(programs)?.length === 0

/** All checks of an installation; with `realms` also a summary of each realm. */
export function installationChecks(facts: ClusterFacts): Check[] {
  const programs = seenValue(facts.programs) ?? []
  return [
    crdCheck(facts),
    ...operatorChecks(facts, programs),
    ...providerChecks(facts, programs),
    ...relayChecks(facts),
    ...podChecks(facts),
    versionCheck(facts, programs),
    checkOf('rights', facts.rights, rightsState),
    checkOf('nodes', facts.nodes, nodesState),
    checkOf('ingress-classes', facts.ingressClasses, (classes) =>
      classes.length === 0
        ? warning(
            'there is no IngressClass',
            'install an Ingress controller, or give realms a Gateway (spec.exposure.gateway) or a route of yours (spec.exposure.url)',
          )
        : passed(classes.map(({ metadata }) => metadata?.name).join(', ')),
    ),
    checkOf('storage-classes', facts.storageClasses, (classes) =>
      classes.some(({ metadata }) => metadata?.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true')
        ? passed('there is a default StorageClass')
        : warning(
            'no StorageClass is the default',
            'set spec.gatekeeper.database.storage.storageClassName of realms that keep their bans on a volume',
          ),
    ),
    ...realmSummaries(facts),
  ]
}

function crdCheck(facts: ClusterFacts): Check {
  return checkOf('crds', facts.crds, (crds) => {
    if (isPreflight(facts)) return skipped(`nothing is installed yet, so this is a preflight: ${INSTALL}`)
    if (crds.length < 2)
      return failed(`${crds.length === 0 ? 'the CRDs are' : 'a CRD is'} missing`, 'helm upgrade with crds.install=true')
    const bad = crds.find(({ established }) => !established)
    if (bad) return failed(`the API server does not serve ${bad.name}`, `kubectl describe crd ${bad.name}`)
    const lacking = crds.find(({ missingFields }) => missingFields.length > 0)
    if (lacking) {
      const { name, missingFields } = lacking
      const some = missingFields.slice(0, 5).join(', ')
      return warning(
        `${name} lacks fields that this client knows (${missingFields.length}), and drops them without an error: ${some}`,
        'apply the CRDs of the release of the operator: helm upgrade with crds.install=true',
      )
    }
    const strangers = crds.filter(({ owner }) => owner !== undefined && !releasesOf(facts).has(owner))
    if (strangers.length > 0 && releasesOf(facts).size > 0)
      return warning(
        `they belong to the Helm release ${strangers[0]?.owner}, which is not installed: helm upgrade of another release is refused`,
        'helm upgrade … --take-ownership',
      )
    return passed(crds.map(({ name, version }) => `${name}${version ? ` ${version}` : ''}`).join(', '))
  })
}

const releasesOf = ({ programs }: ClusterFacts): Set<string> =>
  new Set((seenValue(programs) ?? []).map(({ namespace, release }) => `${namespace}/${release}`))

const of = (program: InstalledProgram): string => `Deployment ${keyOf(program)}`

function deploymentState({ namespace, name, replicas, version, image }: InstalledProgram): Omit<Check, 'name'> {
  const { wanted, ready, updated } = replicas
  const seen = `${ready} of ${wanted} ready, ${version}, ${image}`
  if (wanted === 0) return failed('it has no replicas', `kubectl scale -n ${namespace} deployment ${name} --replicas=2`)
  if (ready === 0) return failed(seen, `kubectl describe -n ${namespace} deployment ${name}`)
  return ready < wanted || updated < wanted
    ? warning(seen, `kubectl rollout status -n ${namespace} deployment ${name}`)
    : passed(seen)
}

function operatorChecks(facts: ClusterFacts, programs: readonly InstalledProgram[]): Check[] {
  const operators = programs.filter(({ program }) => program === 'operator')
  if ('unseen' in facts.programs) return [{ name: 'operator', ...skipped(facts.programs.unseen) }]
  if (operators.length === 0 && isPreflight(facts)) return []
  if (operators.length === 0) return [{ name: 'operator', ...failed('there is none, so no realm is looked after', INSTALL) }]
  return operators.flatMap((operator): Check[] => [
    { name: 'operator', of: of(operator), ...deploymentState(operator) },
    { name: 'leader', of: of(operator), ...leaderState(operator, facts) },
  ])
}

function leaderState(operator: InstalledProgram, { leases }: ClusterFacts): Omit<Check, 'name'> {
  const lease = leases.get(keyOf(operator)) ?? { unseen: 'not read' }
  const fix = `kubectl logs -n ${operator.namespace} deployment/${operator.name}`
  if ('unseen' in lease) return skipped(lease.unseen)
  if (!lease.value) return failed('no operator leads: nothing is reconciled', fix)
  const { holder, ageMs } = lease.value
  if (ageMs === undefined || ageMs > LEADERLESS_MS)
    return failed(`${holder} has not renewed its Lease for ${Math.round((ageMs ?? 0) / 1_000)} s: nothing is reconciled`, fix)
  return passed(`${holder} leads`)
}

const providerChecks = (facts: ClusterFacts, programs: readonly InstalledProgram[]): Check[] =>
  programs
    .filter(({ program }) => program === 'provider')
    .flatMap((provider): Check[] => {
      const check: Check = { name: 'provider', of: of(provider), ...deploymentState(provider) }
      return check.state === 'failed'
        ? [check]
        : [check, { name: 'provider-answers', of: of(provider), ...answerState(provider, facts) }]
    })

function answerState(provider: InstalledProgram, { providers }: ClusterFacts): Omit<Check, 'name'> {
  const answer = providers.get(keyOf(provider)) ?? { unseen: 'not asked' }
  if ('value' in answer) return passed(`/realms has ${answer.value} of them`)
  if (/forbidden/.test(answer.unseen)) return skipped(answer.unseen)
  return warning(answer.unseen, `kubectl logs -n ${provider.namespace} deployment/${provider.name}`)
}

const relayChecks = ({ relays }: ClusterFacts): Check[] =>
  [...relays].map(([host, answer]) => ({ name: 'movement-relay', of: host, ...relayState(host, answer) }))

/** What a relay answered to a connection over UDP from this machine. */
export function relayState(host: string, answer: RelayAnswer): Omit<Check, 'name'> {
  const address = readRelayAddress(host)
  const at = `UDP ${address ? relayText(address) : host}`
  if (answer === 'reachable') return passed(`${at} accepted a connection from here`)
  if (answer === 'full')
    return warning(
      `${at} answers that it is full`,
      'it takes no more players: give it more resources, or let realms of other players use another relay',
    )
  if (answer === 'hostNotResolved')
    return warning(
      `the name ${host} is not known here`,
      'a name of the cluster is for its pods only: set movement.host of the chart',
    )
  return warning(
    `${at} does not answer from here: players stand still for each other`,
    'open the UDP port in firewalls and load balancers, and check movement.service of the chart',
  )
}

const podChecks = ({ pods }: ClusterFacts): Check[] =>
  'unseen' in pods ? [{ name: 'pods', ...skipped(pods.unseen) }] : pods.value.map(podCheck)

/** A pod that does not work, and what to do about it. */
export const podCheck = ({ namespace, name, problem }: PodFact): Check => ({
  name: 'pods',
  of: `Pod ${namespace}/${name}`,
  ...failed(problem, podFix(namespace, name, problem)),
})

function podFix(namespace: string, name: string, problem: string): string {
  if (/image/i.test(problem))
    return 'push the image, or name another one: image.repository of the chart, spec.version of the Realm, pullSecrets'
  if (/unbound immediate PersistentVolumeClaims/.test(problem))
    return `kubectl get pvc -n ${namespace}; give the claim that is Pending a StorageClass (kubectl get storageclass), or create a PersistentVolume for it`
  if (/no node takes/.test(problem)) return 'add nodes, or lower resources.requests of this part'
  if (/secret/i.test(problem)) return `kubectl get secrets -n ${namespace}; create the Secret that is missing, with these keys`
  return `kubectl logs -n ${namespace} ${name} --all-containers --previous`
}

function versionCheck({ crds }: ClusterFacts, programs: readonly InstalledProgram[]): Check {
  const skews = skewsOf(programs, seenValue(crds) ?? [])
  const [first] = skews
  if (!first)
    return programs.length === 0
      ? { name: 'versions', ...skipped('nothing is installed') }
      : { name: 'versions', ...passed('they fit together') }
  return { name: 'versions', ...warning(skews.map(({ message }) => message).join('; '), first.fix) }
}

function rightsState(rights: readonly Right[]): Omit<Check, 'name'> {
  const lacking = rights.filter(({ has }) => !has)
  const canRead = rights.find(({ what }) => what === 'list realms')?.has
  if (lacking.length === 0) return passed('you have those of every command')
  const named = lacking.map(({ what, why }) => `${what} (${why})`).join(', ')
  if (canRead) return passed(`you may not: ${named}`)
  return warning(
    `you may not: ${named}`,
    'ask for the ClusterRole view in the namespace, to which the chart adds Realms (rbac.aggregate)',
  )
}

function nodesState(nodes: readonly V1Node[]): Omit<Check, 'name'> {
  if (nodes.length === 0) return warning('the cluster has no node', 'add nodes: no pod can start')
  const has = ({ status }: V1Node, type: string) =>
    status?.conditions?.some((each) => each.type === type && each.status === 'True')
  const ready = nodes.filter((node) => has(node, 'Ready') && !node.spec?.unschedulable)
  const pressed = ['MemoryPressure', 'DiskPressure', 'PIDPressure'].flatMap((type) =>
    nodes.filter((node) => has(node, type)).map(({ metadata }) => `${metadata?.name} has ${type}`),
  )
  const seen = `${ready.length} of ${nodes.length} ready and not cordoned`
  if (ready.length === 0) return failed(seen, 'kubectl describe nodes')
  if (pressed.length > 0) return warning(`${seen}; ${pressed.join(', ')}`, 'kubectl describe nodes')
  return ready.length < nodes.length ? warning(seen, 'kubectl get nodes') : passed(seen)
}

function realmSummaries({ realms, crds }: ClusterFacts): Check[] {
  if (seenValue(crds)?.length === 0) return []
  if ('unseen' in realms) return [{ name: 'realms', ...skipped(realms.unseen) }]
  if (realms.value.length === 0) return [{ name: 'realms', ...passed('there is none yet: kubectl apply -f examples/realm.yaml') }]
  return realms.value.map((realm) => ({
    name: 'realm',
    of: `Realm ${realm.metadata.namespace}/${realm.metadata.name}`,
    ...realmState(realm),
  }))
}

/** A realm in one check; its own doctor says more. */
function realmState(realm: Realm): Omit<Check, 'name'> {
  const { metadata } = realm
  const { problems, settled } = reportOf(realm, [])
  const fix = `realmctl doctor ${metadata.name} -n ${metadata.namespace}`
  // What a person has to change says more than what follows from it.
  const blocker = problems.find(({ subject }) => subject.endsWith(': Stalled'))
  const worst = blocker ?? problems.find(({ severity }) => severity !== 'change')
  if (!conditionOf(realm, 'Ready')) return failed('no operator has seen it', fix)
  if (worst) return (worst.severity === 'error' ? failed : warning)(`${worst.reason}: ${worst.message}`, fix)
  return passed(settled ? 'as its spec says' : (problems[0]?.message ?? 'changing'))
}
