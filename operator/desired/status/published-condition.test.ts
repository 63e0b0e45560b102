import { expect, test } from 'vitest'
import type { Realm } from '../../../crds/realm.ts'
import type { PublicationStatus, RemotePublicationStatus } from '../../observed/publication-status.ts'
import { aRealm } from '../realm.fixtures.ts'
import { publishedCondition } from './published-condition.ts'

const aboutUrl = 'http://realm-provider/main/about'
const served: PublicationStatus = { state: 'serving', aboutUrl }
const condition = (publication: PublicationStatus, remotePublications: RemotePublicationStatus[] = [], realm: Realm = aRealm()) =>
  publishedCondition({ realm, serving: 1, publication, remotePublications })
const url = 'https://realms.example.org'

test('a realm is published when every provider it names serves it', () => {
  expect(condition(served, [{ url, state: 'held' }])).toMatchObject({
    status: 'True',
    reason: 'ServedByProvider',
    message: `served at ${aboutUrl}; published at ${url}`,
  })
})

test.each<[string, PublicationStatus, RemotePublicationStatus[], string]>([
  ['at the provider of this cluster', { state: 'taken', aboutUrl, adapter: 'wss://other' }, [], 'wss://other'],
  ['at a provider of another cluster', served, [{ url, state: 'taken', holder: 'far/away' }], 'far/away'],
])(
  'a name that another realm has %s is taken, and the message says to which realm it is routed',
  (_, publication, remotePublications, says) => {
    const draft = condition(publication, remotePublications)
    expect(draft).toMatchObject({ status: 'False', reason: 'NameTaken' })
    expect(draft.message).toContain(says)
  },
)

test('one provider that is unreachable, pending or not configured keeps a new realm from being published', () => {
  expect(condition(served, [{ url, state: 'unreachable', message: 'refused' }])).toMatchObject({ status: 'Unknown' })
  expect(condition(served, [{ url, state: 'pending' }])).toMatchObject({ status: 'False', reason: 'WaitingForProvider' })
  expect(condition(served, [{ url, state: 'notConfigured' }])).toMatchObject({ status: 'False', reason: 'ProviderNotConfigured' })
})

test('a new operator process keeps the last condition until it has an answer', () => {
  const published = {
    type: 'Published',
    status: 'True',
    reason: 'ServedByProvider',
    message: '',
    lastTransitionTime: '',
  } as const
  const before: Realm = { ...aRealm(), status: { conditions: [published] } }
  expect(condition({ state: 'unknown', aboutUrl }, [{ url, state: 'pending' }], before)).toMatchObject({ status: 'True' })
})

test('a realm whose catalysts are not all used is published, and learns where how many are not, and why', () => {
  const realm = aRealm({ content: { catalysts: ['https://a.example', 'https://b.example', 'https://c.example'] } })
  const { status, message } = condition({ ...served, unusedCatalysts: 2 }, [{ url, state: 'held', unusedCatalysts: 1 }], realm)
  expect(status).toBe('True')
  expect(message).toContain(
    `; ${aboutUrl} does not use 2 of 3 catalysts; ${url} does not use 1 of 3 catalysts; a provider polls 512`,
  )
  expect(condition(served, [{ url, state: 'held' }], realm).message).not.toContain('catalysts')
})

test('a realm whose list of catalysts cannot be read is published, and learns where it cannot', () => {
  const list = 'https://a.example/lambdas/contracts/servers'
  const realm = aRealm({ content: { catalysts: ['https://a.example'], catalystList: { url: list, max: 16 } } })
  const { status, message } = condition(
    { ...served, isListUnreadable: true },
    [{ url, state: 'held', unusedCatalysts: 1 }],
    realm,
  )
  expect(status).toBe('True')
  expect(message).toContain(`; ${url} does not use 1 of the catalysts; a provider polls 512`)
  expect(message).toMatch(new RegExp(`; ${aboutUrl} cannot read the list of catalysts at ${list}$`))
  expect(condition(served, [{ url, state: 'held' }], realm).message).not.toContain('list')
})
