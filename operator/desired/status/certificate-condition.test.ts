import { expect, test } from 'vitest'
import type { RealmReasons } from '../../../crds/realm.ts'
import type { RealmCertificate } from '../../observed/certificate.ts'
import { aRealm } from '../realm.fixtures.ts'
import { certificateCondition } from './certificate-condition.ts'
import { conditionsOf } from './conditions.ts'

const host = 'realm.example.org'
const realm = aRealm({ exposure: { type: 'Ingress', host, tlsSecretName: 'tls' } })
const day = Date.UTC(2027, 0, 31)

test.each([
  [{ state: 'valid', expiresAt: day }, 'True', 'Valid', /valid until 2027-01-31$/],
  [{ state: 'expiresSoon', expiresAt: day }, 'True', 'ExpiresSoon', /expires on 2027-01-31.*Secret metaverse\/tls/],
  [{ state: 'expired', expiresAt: day }, 'False', 'Expired', /expired on 2027-01-31.*Secret metaverse\/tls/],
  [{ state: 'notYetValid', startsAt: day }, 'False', 'NotYetValid', /not valid before 2027-01-31/],
  [
    { state: 'otherHost', isDefault: false },
    'False',
    'OtherHost',
    /is not for realm\.example\.org.*Secret metaverse\/tls, of type/,
  ],
  [{ state: 'otherHost', isDefault: true }, 'False', 'OtherHost', /made for itself.*Secret metaverse\/tls, of type/],
  [{ state: 'untrusted' }, 'False', 'Untrusted', /not signed by an authority that the operator trusts/],
  [{ state: 'unreached' }, 'Unknown', 'NotReached', /cannot begin a TLS connection/],
  [{ state: 'unknown' }, 'Unknown', 'NotChecked', /not checked yet/],
] as const)('a certificate that is %j has the status %s and the reason %s', (seen, status, reason, message) => {
  expect(certificateCondition(realm, { host, ...seen } as RealmCertificate)).toMatchObject({
    status,
    reason,
    message: expect.stringMatching(message),
  })
})

test('a route of the user has no Secret to look at', () => {
  const routed = aRealm({ exposure: { type: 'None', url: `https://${host}` } })
  const { message } = certificateCondition(routed, { host, state: 'untrusted' })
  expect(message).toMatch(/at the proxy in front of the realm$/)
})

test('what the last operator found out stands until the next one has looked, unless the spec changed', () => {
  const found = certificateCondition(realm, { host, state: 'expired', expiresAt: day })
  const before = { ...realm, status: { conditions: conditionsOf(realm, [found], 0) } } as typeof realm
  const reasonOf = (of: typeof realm): RealmReasons['CertificateValid'] =>
    certificateCondition(of, { host, state: 'unknown' }).reason as RealmReasons['CertificateValid']
  expect(reasonOf(before)).toBe('Expired')
  expect(reasonOf({ ...before, metadata: { ...before.metadata, generation: 2 } })).toBe('NotChecked')
})
