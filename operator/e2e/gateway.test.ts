import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { resources } from '../../cells/kube/resources.ts'
import { conditionOf, type RealmSpec } from '../../crds/realm.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import type { Spec } from '../../testing/apiserver/namespace.ts'
import { useOwnApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import type { HttpRoute } from '../desired/manifests/http-route.ts'

const patient = { timeout: 30_000, interval: 100 }

withPart('kube', 'a realm at a Gateway, on a real API server', (part) => {
  withPart('gatewayApi', 'with the CRDs of the Gateway API', (crds) => {
    const kube = useOwnApiServer(part)
    const { declare, get, realmOf } = kube
    const gateway = { name: 'edge', namespace: 'infra' }
    const realm = (exposure: object = {}, spec: object = {}) => ({
      livekit: { type: 'None' },
      exposure: { type: 'Gateway', host: 'main.example.org', tls: 'Terminated', gateway, ...exposure },
      ...spec,
    })
    const anOperator = async () => {
      const operator = await startOperator(kube.api, kube.namespace)
      kube.stopAfterTest(operator.stop)
      return operator
    }
    const said = async (type = 'RouteAccepted', name = 'main') => {
      const { status, reason } = conditionOf(await realmOf(name), type) ?? {}
      return `${status} ${reason}`
    }
    const routeNames = async () => (await kube.names()).filter((name) => name.startsWith('HTTPRoute'))
    const install = async () => {
      for (const file of readdirSync(crds).filter((name) => name.includes('.networking.k8s.io_')))
        for (const document of parseAllDocuments(readFileSync(join(crds, file), 'utf8')))
          await kube.user.create(resources.CustomResourceDefinition, document.toJS() as KubeObject)
    }
    /** Writes the status of an HTTPRoute as the controller of its Gateway would. */
    const answer = async (name: string, conditions: Readonly<Record<string, readonly [status: string, reason: string]>>) => {
      const { metadata, spec } = (await get(resources.HTTPRoute, name)) as unknown as HttpRoute & KubeObject
      const parents = [
        {
          parentRef: spec.parentRefs[0],
          controllerName: 'example.org/controller',
          conditions: Object.entries(conditions).map(([type, [status, reason]]) => ({
            type,
            status,
            reason,
            message: 'words of the controller',
            observedGeneration: metadata.generation,
            lastTransitionTime: '2026-11-28T12:00:00Z',
          })),
        },
      ]
      const { apiVersion, kind } = resources.HTTPRoute
      const body = { apiVersion, kind, metadata: { name, namespace: kube.namespace }, status: { parents } } as Spec
      await kube.user.apply(resources.HTTPRoute, body, { fieldManager: 'controller', force: true, subresource: 'status' })
    }
    const good = { Accepted: ['True', 'Accepted'], ResolvedRefs: ['True', 'ResolvedRefs'] } as const

    test('is told that the cluster has no Gateway API, and gets its routes once it has', async () => {
      const { settled } = await anOperator()
      await declare(realm())
      await declare(realm({ type: 'Ingress', gateway: undefined, host: 'other.example.org' }), 'other')
      await settled()
      expect([await said(), await said('Stalled'), await said('Ready')]).toEqual([
        'False GatewayApiMissing',
        'True ApplyRefused',
        'False ApplyFailed',
      ])
      expect(conditionOf(await realmOf(), 'Stalled')?.message).toMatch(/this cluster has no Gateway API/)
      expect(await said('Stalled', 'other')).toBe('False NotStalled')
      expect(await get(resources.Deployment, 'main-stats')).toBeDefined()
      await install()
      await expect.poll(routeNames, patient).toEqual(['HTTPRoute main', 'HTTPRoute main.slots-0'])
      await expect.poll(() => said(), patient).toBe('Unknown Waiting')
      await expect.poll(() => said('Stalled'), patient).toBe('False NotStalled')
    }, 90_000)

    test('is shown by an example whose Gateway the real CRDs accept', async () => {
      const text = readFileSync(new URL('../../examples/gateway.yaml', import.meta.url), 'utf8')
      const example = parseAllDocuments(text)
        .map((document) => document.toJS() as KubeObject)
        .find(({ kind }) => kind === 'Gateway')
      const metadata = { ...example?.metadata, namespace: kube.namespace }
      const created = await kube.user.create(resources.Gateway, { ...example, metadata } as KubeObject, { dryRun: true })
      expect(created.metadata.name).toBe('edge')
    })

    test('has routes that the real CRDs accept and store as they were sent, whatever the realm consists of', async () => {
      const first = await anOperator()
      const world = { scenes: ['urn:decentraland:entity:bafkscene?=&baseUrl=https://example.org/'] }
      const gatekeeper = { hosts: Array.from({ length: 8 }, (_, n) => `gk${n}.example.org`) }
      await declare(realm({}, { cells: { max: 32 }, gatekeeper }))
      await declare(
        realm({ host: 'a.example.org', gateway: { name: 'edge', sectionName: 'https', requestTimeout: 'Unset' } }),
        'a',
      )
      await declare(realm({ host: 'b.example.org', annotations: { team: 'b' } }, { mode: 'World', world }), 'b')
      await first.settled()
      expect(await routeNames()).toEqual(
        ['a', 'a.slots-0', 'b', 'main', 'main.gatekeeper', ...[0, 16, 24, 8].map((slot) => `main.slots-${slot}`)].map(
          (name) => `HTTPRoute ${name}`,
        ),
      )
      for (const name of ['main', 'a', 'b']) expect(await said('Stalled', name)).toBe('False NotStalled')
      await first.stop()
      const second = await anOperator()
      await second.settled()
      expect(second.client.counts).toMatchObject({ apply: 0, applyStatus: 0, create: 0, remove: 0, get: 0 })
    }, 60_000)

    test('reports what the controller of its Gateway answers, and no longer once it is fine', async () => {
      const { settled, notes } = await anOperator()
      await kube.user.create(resources.Gateway, {
        ...{ apiVersion: resources.Gateway.apiVersion, kind: 'Gateway', metadata: { name: 'edge', namespace: kube.namespace } },
        ...{ spec: { gatewayClassName: 'any', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] } },
      } as KubeObject)
      await declare(realm({ gateway: { name: 'edge' } }))
      await settled()
      expect(await said()).toBe('Unknown Waiting')
      await answer('main', { ...good, Accepted: ['False', 'NotAllowedByListeners'] })
      await settled()
      expect(await said()).toBe('False NotAccepted')
      expect(conditionOf(await realmOf(), 'RouteAccepted')?.message).toMatch(/allow routes of the namespace/)
      for (const name of ['main', 'main.slots-0']) await answer(name, good)
      await settled()
      expect(await said()).toBe('True Accepted')

      await declare(realm({ gateway: { name: 'edge', sectionName: 'https' } }))
      await settled()
      expect(await said()).toBe('Unknown Waiting') // the answers are about another parent, and an earlier generation
      await kube.user.remove(resources.Gateway, { namespace: kube.namespace, name: 'edge' })
      await settled()
      expect(await said()).toBe('False GatewayMissing')
      expect(notes.filter(({ reason }) => reason === 'RouteNotAccepted').length).toBe(2)
    }, 60_000)

    test('changes no route when it is scaled, leaves none behind when it changes to an Ingress, and keeps that until a Gateway has answered', async () => {
      const { settled } = await anOperator()
      await declare(realm())
      await settled()
      const generations = async () =>
        (await Promise.all(['main', 'main.slots-0'].map((name) => get(resources.HTTPRoute, name)))).map(
          (route) => route?.metadata.resourceVersion,
        )
      const before = await generations()
      await declare(realm({}, { cells: { replicas: 3 } }))
      await settled()
      expect(await get(resources.Deployment, 'main-2-connector')).toBeDefined()
      expect(await generations()).toEqual(before)
      const exposure: RealmSpec['exposure'] = { type: 'Ingress', host: 'main.example.org', className: 'none-such' }
      await declare({ livekit: { type: 'None' }, cells: { replicas: 3 }, exposure })
      await settled()
      expect([await routeNames(), await said()]).toEqual([[], 'False ClassMissing'])
      expect(await get(resources.Ingress, 'main')).toBeDefined()

      await declare(realm())
      await settled()
      expect([await get(resources.Ingress, 'main'), await said()]).toEqual([expect.anything(), 'Unknown Waiting'])
      for (const name of ['main', 'main.slots-0']) await answer(name, good)
      await settled()
      expect([await routeNames(), await get(resources.Ingress, 'main')]).toEqual([
        [expect.any(String), expect.any(String)],
        undefined,
      ])
    }, 60_000)
  })
})
