import { conditionOf, type Realm, type RealmReasons } from '../../../crds/realm.ts'
import type { RealmCertificate } from '../../observed/certificate.ts'
import type { ConditionDraft } from './conditions.ts'

type Reason = RealmReasons['CertificateValid']

/**
 * Whether players can trust the certificate at the public address of a realm. It is reported, and changes nothing the operator does: players
 * may reach another proxy than the operator does.
 */
export function certificateCondition(realm: Realm, seen: RealmCertificate): ConditionDraft<RealmReasons> {
  const type = 'CertificateValid'
  const no = (reason: Reason, message: string) => ({ type, status: 'False', reason, message }) as const
  const { host } = seen
  const remedy = remedyOf(realm, host)
  switch (seen.state) {
    case 'valid':
      return {
        type,
        status: 'True',
        reason: 'Valid',
        message: `the certificate at ${host} is valid until ${dayOf(seen.expiresAt)}`,
      }
    case 'expiresSoon':
      return {
        type,
        status: 'True',
        reason: 'ExpiresSoon',
        message: `the certificate at ${host} expires on ${dayOf(seen.expiresAt)}, and nothing has renewed it yet: ${remedy}`,
      }
    case 'expired':
      return no('Expired', `the certificate at ${host} expired on ${dayOf(seen.expiresAt)}, so players cannot connect: ${remedy}`)
    case 'notYetValid':
      return no('NotYetValid', `the certificate at ${host} is not valid before ${dayOf(seen.startsAt)}: ${remedy}`)
    case 'otherHost': {
      const whose = seen.isDefault ? 'is the one that its proxy made for itself' : `is not for ${host}`
      return no('OtherHost', `the certificate at ${host} ${whose}, so players cannot connect: ${remedy}`)
    }
    case 'untrusted':
      return no(
        'Untrusted',
        `the certificate at ${host} is not signed by an authority that the operator trusts, or those in between are left out of its chain: ${remedy}`,
      )
    case 'unreached':
      return {
        type,
        status: 'Unknown',
        reason: 'NotReached',
        message: `the operator cannot begin a TLS connection to port 443 of ${host}; players may`,
      }
    case 'unknown':
      return (
        lastKnown(realm, host) ?? { type, status: 'Unknown', reason: 'NotChecked', message: 'the operator has not checked yet' }
      )
  }
}

function remedyOf({ metadata, spec: { exposure } }: Realm, host: string): string {
  const { tlsSecretName } = exposure
  return tlsSecretName
    ? `see that the Secret ${metadata.namespace}/${tlsSecretName}, of type kubernetes.io/tls, exists and has a current certificate for ${host}, and that ${exposure.type === 'LoadBalancer' ? `${host} leads to the load balancer` : 'the Ingress controller uses it'}`
    : 'correct it at the proxy in front of the realm'
}

/** An operator that just started has not checked yet: what the last one found out about the same spec stands until it has. */
function lastKnown(realm: Realm, host: string): ConditionDraft<RealmReasons> | undefined {
  const before = conditionOf(realm, 'CertificateValid')
  const isSame = before?.observedGeneration === realm.metadata.generation && before?.message.includes(` ${host}`)
  return before && isSame && before.reason !== 'NotChecked' ? (before as ConditionDraft<RealmReasons>) : undefined
}

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)
