import { expect, test } from 'vitest'
import { resources } from '../../cells/kube/resources.ts'
import { API_VERSION, conditionOf, type Realm } from '../../crds/realm.ts'
import { realmResource } from '../../crds/resources.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import type { Spec } from '../../testing/apiserver/namespace.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'

withPart('kube', 'the public address of realms on a real API server', (part) => {
  const kube = useApiServer(part)
  const { declare, get, realmOf, runPods } = kube
  const spec = { livekit: { type: 'None' }, exposure: { type: 'Ingress', host: 'same.example.org' } }
  const anOperator = async (namespace = kube.namespace) => {
    const operator = await startOperator(kube.api, namespace)
    kube.stopAfterTest(operator.stop)
    return operator
  }
  const conditions = (realm: Realm) =>
    Object.fromEntries(
      ['Ready', 'Published', 'Stalled'].map((type) => {
        const { status, reason } = conditionOf(realm, type) ?? {}
        return [type, `${status} ${reason}`]
      }),
    )
  const taken = { Ready: 'False AddressTaken', Published: 'False AddressTaken', Stalled: 'True AddressTaken' }
  const works = { Ready: 'True AllServing', Published: 'True ServedByProvider', Stalled: 'False NotStalled' }
  const hostOf = async (name: string) =>
    ((await get(resources.Ingress, name))?.spec as { rules: { host: string }[] } | undefined)?.rules[0]?.host

  test('belongs to one realm: another says so, has no Ingress and no endpoint, and gets the address once it is free', async () => {
    const { settled } = await anOperator()
    await declare(spec, 'first')
    await runPods()
    await settled()
    await declare(spec, 'second')
    await settled()
    await runPods()
    await settled()
    expect(conditions(await realmOf('first'))).toEqual(works)
    const second = await realmOf('second')
    expect(conditions(second)).toEqual(taken)
    expect(conditionOf(second, 'Stalled')?.message).toMatch(/^the realm first is reached at same\.example\.org/)
    expect(await kube.kubectl('get realm second -o wide')).toMatch(/False.*AddressTaken +\S+ +AddressTaken +AddressTaken/)
    expect([await hostOf('second'), second.status?.endpoints ?? [], second.status?.urls?.stats]).toEqual([
      undefined,
      [],
      undefined,
    ])

    await declare({ ...spec, exposure: { ...spec.exposure, host: 'other.example.org' } }, 'first')
    await settled()
    expect(conditions(await realmOf('second'))).toEqual(works)
    expect([await hostOf('first'), await hostOf('second')]).toEqual(['other.example.org', 'same.example.org'])

    await declare(spec, 'first') // older than the realm that has the address by now
    await settled()
    expect([conditions(await realmOf('first')), await hostOf('first')]).toEqual([taken, undefined])
    expect(conditions(await realmOf('second'))).toEqual(works)
    await kube.user.remove(realmResource, { namespace: kube.namespace, name: 'second' })
    await settled()
    expect([conditions(await realmOf('first')), await hostOf('first')]).toEqual([works, 'same.example.org'])
  }, 60_000)

  test('is each further host of a gatekeeper too, and without one that another realm has all else of a realm works', async () => {
    const { settled } = await anOperator()
    const hostsOf = async (name: string) =>
      ((await get(resources.Ingress, `${name}.gatekeeper`))?.spec as { rules: { host: string }[] } | undefined)?.rules.map(
        ({ host }) => host,
      )
    const exposure = (host: string) => ({ livekit: { type: 'None' }, exposure: { type: 'Ingress', host } })
    const asking = (host: string, hosts: string[]) => ({ ...exposure(host), gatekeeper: { hosts } })
    await declare(asking('first.example.org', ['gk.example.org']), 'first')
    await settled()
    await declare(asking('second.example.org', ['gk.example.org', 'first.example.org', 'free.example.org']), 'second')
    await declare(exposure('gk.example.org'), 'third')
    await settled()
    await runPods()
    await settled()
    expect(conditions(await realmOf('first'))).toEqual(works)
    const second = await realmOf('second')
    expect(conditions(second)).toEqual({ ...works, Stalled: taken.Stalled })
    expect(conditionOf(second, 'Stalled')?.message).toMatch(
      /^gk\.example\.org belongs to the realm first, first\.example\.org belongs to the realm first: choose others/,
    )
    expect(conditions(await realmOf('third'))).toEqual(taken)
    expect(await Promise.all(['first', 'second'].map(hostsOf))).toEqual([['gk.example.org'], ['free.example.org']])
    expect(await kube.kubectl('get realm first second -o jsonpath={.items[*].status.urls.gatekeeperHosts}')).toBe(
      '["http://gk.example.org"] ["http://free.example.org"]',
    )

    await declare(exposure('first.example.org'), 'first')
    await settled()
    expect(await hostsOf('first')).toBeUndefined()
    expect(conditionOf(await realmOf('second'), 'Stalled')?.message).toMatch(/^first\.example\.org/)
    expect(await hostsOf('second')).toEqual(['gk.example.org', 'free.example.org'])
    expect(conditions(await realmOf('third'))).toEqual(taken)
  }, 60_000)

  test('is kept from a realm of another namespace, which is not told whose it is', async () => {
    const { settled } = await anOperator('')
    await declare(spec, 'first')
    await settled()
    const namespace = await kube.newNamespace()
    const stranger = { apiVersion: API_VERSION, kind: 'Realm', metadata: { name: 'second', namespace }, spec } as Spec
    await kube.user.apply(realmResource, stranger, { fieldManager: 'user', force: true })
    await settled()
    const realm = (await kube.user.get(realmResource, { namespace, name: 'second' })) as unknown as Realm
    const { message } = conditionOf(realm, 'Stalled') ?? {}
    expect(message).toMatch(/^another realm of the cluster is reached at same\.example\.org/)
    expect(JSON.stringify(realm.status)).not.toContain(kube.namespace)
  }, 60_000)
})
