import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { V1Ingress, V1IngressClass, V1Namespace, V1NetworkPolicy, V1ResourceQuota } from '@kubernetes/client-node'
import { problemsOfRealm, worstFirst } from '../../cells/realm-provider/core/problems.ts'
import { factsOf } from '../../cells/realm-provider/core/realm-facts.ts'
import { conditionOf, type Realm, realmNameOf } from '../../crds/realm.ts'
import { MANAGER } from '../../operator/desired/naming.ts'
import { quantityOf } from '../../operator/kubernetes/fingerprint.ts'
import type { Certificate } from '../../operator/observed/certificate.ts'
import { judgedCertificate } from '../../operator/observers/dependencies/certificate-probe.ts'
import { seenValue } from '../cluster/seen.ts'
import type { Check } from '../output/checks.ts'
import { checkOf, failed, passed, skipped, warning } from './check.ts'
import { addressesOfGateway, gatewayChecks } from './gateway-checks.ts'
import { podCheck, relayState } from './installation-checks.ts'
import { livekitChecks } from './livekit-checks.ts'
import type { PublicFacts, SeenRealm } from './seen-realm.ts'

// Pure: from what was read of a realm to its checks.

const DAY_MS = 24 * 3_600_000

/** All checks of one realm. `now` is in milliseconds since the epoch. */
export function realmChecks(facts: SeenRealm, now: number): Check[] {
  const { realm, published, relay } = facts
  const of = `Realm ${realm.metadata.namespace}/${realm.metadata.name}`
  const checks: Check[] = [
    { name: 'reconciled', ...reconciledState(realm) },
    ...conditionChecks(realm),
    checkOf('namespace', facts.namespace, namespaceState),
    ...podChecks(facts),
    ...ingressChecks(facts),
    ...(facts.gateway ? gatewayChecks(realm, facts.gateway, seenValue(facts.namespace)) : []),
    ...secretChecks(facts, now),
    ...(published
      ? publicChecks(published, realm, facts, now)
      : [{ name: 'public-address', ...skipped('it has no public address (spec.exposure)') }]),
    ...livekitChecks(realm, facts.livekit),
    ...(relay ? [{ name: 'movement-relay', ...relayState(relay.host, relay.answer) }] : []),
    checkOf('network-policies', facts.policies, (policies) => policyState(realm, policies)),
    checkOf('quotas', facts.quotas, quotaState),
  ]
  return checks.map((check) => ({ ...check, of: check.of ?? of }))
}

function reconciledState({ metadata, status }: Realm): Omit<Check, 'name'> {
  const seen = status?.observedGeneration ?? -1
  if (seen === -1)
    return failed(
      'no operator has seen it',
      `does an operator run, and watch the namespace ${metadata.namespace}? realmctl doctor`,
    )
  if (seen < (metadata.generation ?? 0))
    return warning(`the operator has seen generation ${seen} of ${metadata.generation}`, 'realmctl doctor')
  return passed('the operator has seen the present spec')
}

/** What the operator itself reports, in its words. */
function conditionChecks(realm: Realm): Check[] {
  const problems = problemsOfRealm(factsOf(realm)).sort(worstFirst)
  const checks = problems.map(({ severity, subject, reason, message }): Check => {
    const name = `condition-${subject.replace(/^.*: /, '')}`
    const seen = `${reason}: ${message}`
    if (severity === 'change') return { name, ...passed(seen) }
    const fix = `docs/troubleshooting/reasons.md has what to do about the reason ${reason}`
    return { name, ...(severity === 'error' ? failed(seen, fix) : warning(seen, fix)) }
  })
  const ready = conditionOf(realm, 'Ready')
  return checks.length > 0 || !ready ? checks : [{ name: 'conditions', ...passed(`${ready.reason}: ${ready.message}`) }]
}

function namespaceState(namespace: V1Namespace | undefined): Omit<Check, 'name'> {
  const { metadata } = namespace ?? {}
  if (metadata?.deletionTimestamp)
    return failed(
      `the namespace ${metadata.name} is being deleted`,
      `kubectl get namespace ${metadata.name} -o yaml says what holds it`,
    )
  const level = metadata?.labels?.['pod-security.kubernetes.io/enforce']
  return passed(level ? `Pod Security enforces ${level}; pods of realms pass restricted` : 'Pod Security enforces nothing')
}

function podChecks({ pods, refusals }: SeenRealm): Check[] {
  const failing = seenValue(pods) ?? []
  const refused = seenValue(refusals) ?? []
  return [
    ...(failing.length > 0 ? failing.map(podCheck) : [checkOf('pods', pods, () => passed('none fails'))]),
    ...refused.map(
      ({ namespace, name, problem }): Check => ({
        name: 'pods-refused',
        of: `Deployment ${namespace}/${name}`,
        ...failed(
          problem,
          'a quota, Pod Security or an admission policy refuses its pods: set resources or fields of this part, or change the rule',
        ),
      }),
    ),
  ]
}

function ingressChecks({ realm, ingressClasses, ingress }: SeenRealm): Check[] {
  const { type, className } = realm.spec.exposure
  if (type === 'LoadBalancer') return [{ name: 'load-balancer', ...balancerState(realm) }]
  if (type !== 'Ingress') return []
  return [
    checkOf('ingress-class', ingressClasses, (classes) => classState(classes, className)),
    checkOf('ingress', ingress, (found) => ingressState(found, realm)),
  ]
}

function balancerState({ metadata: { name, namespace }, status }: Realm): Omit<Check, 'name'> {
  const address = status?.loadBalancer?.address
  const fix = `kubectl describe -n ${namespace} service ${name}-proxy; does the cluster have load balancers?`
  return address ? passed(`at ${address}`) : failed('it has no address', fix)
}

function classState(classes: readonly V1IngressClass[], className: string | undefined): Omit<Check, 'name'> {
  const names = classes.map(({ metadata }) => metadata?.name ?? '')
  const known =
    names.length === 0 ? 'there is none: install an Ingress controller' : `spec.exposure.className: one of ${names.join(', ')}`
  if (className !== undefined)
    return names.includes(className) ? passed(className) : failed(`there is no IngressClass ${className}`, known)
  const chosen = classes.find(({ metadata }) => metadata?.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true')
  return chosen
    ? passed(`${chosen.metadata?.name}, the default`)
    : failed('spec.exposure names none, and no IngressClass is the default', known)
}

function ingressState(ingress: V1Ingress | undefined, { metadata }: Realm): Omit<Check, 'name'> {
  const fix = `kubectl describe -n ${metadata.namespace} ingress ${metadata.name}; does the controller of its class run?`
  if (!ingress) return failed('the operator has not created it', 'see the conditions of the Realm')
  const addresses = addressesOfIngress(ingress)
  return addresses.length > 0 ? passed(`at ${addresses.join(', ')}`) : warning('no controller has given it an address', fix)
}

const addressesOfIngress = ({ status }: V1Ingress): string[] =>
  (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? [])

function secretChecks({ realm, certificateSecret }: SeenRealm, now: number): Check[] {
  const { host, tlsSecretName } = realm.spec.exposure
  if (!tlsSecretName || !host) return []
  const fix = `kubectl create secret tls ${tlsSecretName} -n ${realm.metadata.namespace} --cert=… --key=…, or cert-manager`
  return [
    checkOf('tls-secret', certificateSecret, (pem) => {
      if (pem === undefined) return failed(`there is no Secret ${tlsSecretName}`, fix)
      const certificate = certificateIn(pem)
      if (!certificate) return failed(`the Secret ${tlsSecretName} has no certificate at tls.crt`, fix)
      return certificateState(`the certificate in ${tlsSecretName}`, host, judgedCertificate(host, certificate, true, now), now)
    }),
  ]
}

function certificateIn(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function publicChecks(published: PublicFacts, realm: Realm, { ingress, gateway }: SeenRealm, now: number): Check[] {
  const { host, addresses, certificate, url, about } = published
  const ofIngress = seenValue(ingress)
  const balancer = realm.spec.exposure.type === 'LoadBalancer' ? (realm.status?.loadBalancer?.address ?? '') : undefined
  const ofRoute = gateway ? addressesOfGateway(gateway) : ofIngress ? addressesOfIngress(ofIngress) : []
  const expected = balancer ? [balancer] : ofRoute
  const what = balancer === undefined ? (gateway ? 'Gateway' : 'Ingress') : 'load balancer'
  return [
    { name: 'dns', ...dnsState(host, addresses, expected, what) },
    ...(certificate ? [{ name: 'certificate', ...certificateState(`the certificate at ${host}`, host, certificate, now) }] : []),
    { name: 'public-address', ...aboutState(url, about, realm) },
  ]
}

function dnsState(host: string, addresses: readonly string[], expected: readonly string[], what: string): Omit<Check, 'name'> {
  const fix = `an A or AAAA record for ${host}${expected.length > 0 ? ` with ${expected.join(', ')}` : ''}, or ExternalDNS`
  if (addresses.length === 0) return failed(`the name ${host} is not known here`, fix)
  const leads = `${host} leads to ${addresses.join(', ')}`
  if (expected.length === 0 || expected.some((address) => addresses.includes(address) || isIP(address) === 0))
    return passed(leads)
  return warning(`${leads}, and its ${what} is at ${expected.join(', ')}: right only where a proxy or a CDN is in front`, fix)
}

function certificateState(what: string, host: string, certificate: Certificate, now: number): Omit<Check, 'name'> {
  const days = (at: number) => Math.abs(Math.floor((at - now) / DAY_MS))
  const renew = 'renew the certificate, or look at cert-manager: kubectl describe certificate'
  switch (certificate.state) {
    case 'valid':
      return passed(`${what} has ${days(certificate.expiresAt)} days left`)
    case 'expiresSoon':
      return warning(`${what} ends in ${days(certificate.expiresAt)} days`, renew)
    case 'expired':
      return failed(`${what} ended ${days(certificate.expiresAt)} days ago`, renew)
    case 'notYetValid':
      return failed(`${what} is not valid yet`, 'compare the clocks of the authority and of this machine')
    case 'otherHost':
      return failed(
        certificate.isDefault ? `${what} is one that the Ingress controller made itself` : `${what} is not for ${host}`,
        'spec.exposure.tlsSecretName: the Secret with the certificate of the host',
      )
    case 'untrusted':
      return failed(`this machine does not trust ${what}`, 'serve the whole chain, of an authority that explorers trust')
    default:
      return failed(`${host} does not answer at port 443 from here`, 'check DNS, firewalls and the load balancer')
  }
}

function aboutState(url: string, about: PublicFacts['about'], realm: Realm): Omit<Check, 'name'> {
  if (!about.ok) return failed(`${url}/about: ${about.reason}`, 'check DNS, firewalls, and the Ingress or route that leads here')
  const { configurations } = (about.body ?? {}) as { configurations?: { realmName?: unknown } }
  if (about.status === 200 && configurations?.realmName === realmNameOf(realm))
    return passed(`${url}/about is that of this realm`)
  const other = about.status === 200 ? `describes ${String(configurations?.realmName ?? 'no realm')}` : `answers ${about.status}`
  return failed(
    `${url}/about ${other}`,
    'the address leads to another server: check the record, and the paths of the Ingress or the route',
  )
}

/** Policies of others that allow nothing, where the realm has none that allow what it needs. */
function policyState({ spec }: Realm, policies: readonly V1NetworkPolicy[]): Omit<Check, 'name'> {
  const strangers = policies.filter(({ metadata }) => metadata?.labels?.['app.kubernetes.io/managed-by'] !== MANAGER)
  const denying = strangers.filter(({ spec: rules }) => {
    const selector = rules?.podSelector
    const isForAll = Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0
    return isForAll && (rules?.ingress ?? []).length === 0 && (rules?.egress ?? []).length === 0
  })
  if (denying.length === 0)
    return passed(`no policy of the namespace denies everything; spec.networkPolicy is ${spec.networkPolicy.type}`)
  const names = denying.map(({ metadata }) => metadata?.name).join(', ')
  if (spec.networkPolicy.type === 'Strict')
    return passed(`${names} denies everything, and the policies of the realm allow what it needs`)
  return warning(
    `${names} denies everything, and the realm has no policies that allow what it needs`,
    'spec.networkPolicy.type: Strict',
  )
}

function quotaState(quotas: readonly V1ResourceQuota[]): Omit<Check, 'name'> {
  if (quotas.length === 0) return passed('the namespace has none')
  const full = quotas.flatMap(({ metadata, status }) =>
    Object.entries(status?.hard ?? {})
      .filter(([name, hard]) => Number(quantityOf(status?.used?.[name] ?? '0')) >= Number(quantityOf(hard)))
      .map(([name, hard]) => `${metadata?.name}: ${name} ${hard}`),
  )
  return full.length === 0
    ? passed('none is used up')
    : warning(`used up: ${full.join(', ')}`, 'raise the ResourceQuota: a rollout runs two cells of a slot for a while')
}
