import { expect, test } from 'vitest'
import type { RealmSpec } from '../../../crds/realm.ts'
import { aRealm } from '../../desired/realm.fixtures.ts'
import { RouteParents } from './route-parents.ts'

const realms = Object.entries({
  nginx: { type: 'Ingress', className: 'nginx' },
  traefik: { type: 'Ingress', className: 'traefik' },
  unnamed: { type: 'Ingress' },
  edge: { type: 'Gateway', gateway: { name: 'edge', namespace: 'infra' } },
  own: { type: 'Gateway', gateway: { name: 'edge' } },
} satisfies Record<string, Partial<RealmSpec['exposure']>>).map(([name, exposure]) => [name, aRealm({ exposure })] as const)

type Options = Parameters<ConstructorParameters<typeof RouteParents>[0]>[1]

/** What listens to the copies of each kind, and the names of the realms that each change concerned. */
function parents() {
  const concerned: string[][] = []
  const listening: Record<string, Options> = {}
  new RouteParents(
    ({ kind }, options) => {
      listening[kind] = options
      return {} as never
    },
    [],
    (concerns) => concerned.push(realms.flatMap(([name, realm]) => (concerns(realm) ? [name] : []))),
  )
  const tell = (type: 'added' | 'changed' | 'removed', kind: string, metadata: { name: string; namespace?: string }) => {
    const object = listening[kind]?.project({ apiVersion: '', kind, metadata } as never)
    if (object) listening[kind]?.onChange({ type, object })
  }
  return { concerned, tell, listening }
}

test('an IngressClass or a Gateway that comes or goes concerns only the realms that name it, and one that changes none', () => {
  const { concerned, tell } = parents()
  tell('added', 'IngressClass', { name: 'nginx' })
  tell('removed', 'Gateway', { name: 'edge', namespace: 'infra' })
  tell('added', 'Gateway', { name: 'edge', namespace: 'metaverse' })
  tell('added', 'Gateway', { name: 'edge', namespace: 'of-another-team' })
  tell('changed', 'Gateway', { name: 'edge', namespace: 'infra' })
  expect(concerned).toEqual([['nginx'], ['edge'], ['own'], []])
})

test('whether the cluster has Gateways at all, or IngressClasses, concerns every realm that names one', () => {
  const { concerned, listening } = parents()
  listening.Gateway?.optional.onChange('NotServed')
  listening.IngressClass?.optional.onChange(undefined)
  expect(concerned).toEqual([
    ['edge', 'own'],
    ['nginx', 'traefik'],
  ])
})
