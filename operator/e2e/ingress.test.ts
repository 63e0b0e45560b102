import { expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { resources } from '../../cells/kube/resources.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import type { Ingress } from '../desired/manifests/ingress.ts'

const CHALLENGE = '/.well-known/acme-challenge/x'

withPart('kube', 'the Ingress of a realm on a real API server', (part) => {
  const kube = useApiServer(part)
  const { declare, get } = kube
  const host = 'main.example.org'
  const annotations = { 'acme.cert-manager.io/http01-edit-in-place': 'true', 'cert-manager.io/cluster-issuer': 'le' }
  const exposure = { type: 'Ingress', host, tlsSecretName: 'tls', annotations }
  const live = async () => (await get(resources.Ingress, 'main')) as unknown as Ingress & KubeObject
  const paths = async () => (await live()).spec.rules?.[0]?.http?.paths.map(({ path }) => path) ?? []
  const solver = { service: { name: 'cm-acme-http-solver-x', port: { number: 8089 } } }
  /** Changes the list of paths as cert-manager does: it reads the Ingress, and writes all of it. */
  const edit = async (change: (paths: { path?: string }[]) => object[]) => {
    const ingress = await live()
    const rule = ingress.spec.rules?.[0]
    if (rule?.http) rule.http.paths = change(rule.http.paths) as never
    await kube.user.replace(resources.Ingress, ingress, { fieldManager: 'cert-manager' })
  }
  const add = () => edit((before) => [{ path: CHALLENGE, pathType: 'ImplementationSpecific', backend: solver }, ...before])
  const remove = () => edit((before) => before.filter(({ path }) => path !== CHALLENGE))

  test('keeps the path of a challenge that cert-manager adds, for as long as cert-manager does, and writes little', async () => {
    const { client, settled, stop } = await startOperator(kube.api, kube.namespace)
    kube.stopAfterTest(stop)
    await declare({ livekit: { type: 'None' }, exposure })
    await settled()
    const own = await paths()
    const before = client.counts.apply
    await add()
    await settled()
    expect(await paths()).toEqual([CHALLENGE, ...own])
    await declare({ livekit: { type: 'None' }, exposure: { ...exposure, tlsSecretName: 'another' } })
    await settled()
    expect(await paths()).toEqual([CHALLENGE, ...own])
    expect((await live()).spec.tls?.[0]?.secretName).toBe('another')
    await remove()
    await settled()
    expect(await paths()).toEqual(own)
    expect(client.counts.apply - before).toBeLessThanOrEqual(4)
  })

  test('keeps the path of a challenge at the host that it is for, where a gatekeeper has several', async () => {
    const { settled, stop } = await startOperator(kube.api, kube.namespace)
    kube.stopAfterTest(stop)
    const gatekeeper = { hosts: ['a.example.org', 'b.example.org'], tlsSecretName: 'gk-tls' }
    await declare({ livekit: { type: 'None' }, exposure, gatekeeper })
    await settled()
    const live = async () => (await get(resources.Ingress, 'main.gatekeeper')) as unknown as Ingress & KubeObject
    const paths = async () =>
      (await live()).spec.rules?.map(({ host, http }) => [host, ...(http?.paths ?? []).map(({ path }) => path).slice(0, 2)])
    expect((await live()).spec.tls).toEqual([{ hosts: gatekeeper.hosts, secretName: 'gk-tls' }])
    const ingress = await live()
    ingress.spec.rules?.[1]?.http?.paths.unshift({
      path: CHALLENGE,
      pathType: 'ImplementationSpecific',
      backend: solver,
    } as never)
    await kube.user.replace(resources.Ingress, ingress, { fieldManager: 'cert-manager' })
    await settled()
    await declare({
      livekit: { type: 'None' },
      exposure,
      gatekeeper: { ...gatekeeper, hosts: ['b.example.org', 'c.example.org'] },
    })
    await settled()
    expect(await paths()).toEqual([
      ['b.example.org', CHALLENGE, '/bans'],
      ['c.example.org', '/bans', '/cast'],
    ])
    const withChallenge = await live()
    withChallenge.spec.rules?.[0]?.http?.paths.shift()
    await kube.user.replace(resources.Ingress, withChallenge, { fieldManager: 'cert-manager' })
    await settled()
    expect(await paths()).toEqual([
      ['b.example.org', '/bans', '/cast'],
      ['c.example.org', '/bans', '/cast'],
    ])
  })

  test('removes any other path, and that one where the realm does not ask for it', async () => {
    const { settled, stop } = await startOperator(kube.api, kube.namespace)
    kube.stopAfterTest(stop)
    await declare({ livekit: { type: 'None' }, exposure })
    await settled()
    const own = await paths()
    await edit((before) => [{ path: '/steal', pathType: 'Prefix', backend: solver }, ...before])
    await expect.poll(paths, { timeout: 15_000 }).toEqual(own)
    await declare({ livekit: { type: 'None' }, exposure: { ...exposure, annotations: { a: 'b' } } })
    await settled()
    await add()
    await expect.poll(paths, { timeout: 15_000 }).toEqual(own)
  }, 40_000)
})
