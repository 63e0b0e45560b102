import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { API_VERSION, type Realm } from '../../crds/realm.ts'
import { realmResource } from '../../crds/resources.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { badRealms } from '../../testing/bad-objects.ts'
import { withPart } from '../../testing/parts/with-part.ts'

withPart('kube', 'the CRDs in a real API server', (part) => {
  const kube = useApiServer(part)

  const aRealm = (name: string, spec: unknown): KubeObject & { spec: unknown } => ({
    apiVersion: API_VERSION,
    kind: 'Realm',
    metadata: { name, namespace: 'default' },
    spec,
  })

  test('the smallest realm is accepted and completed with every default', async () => {
    const { spec } = (await kube.user.create(realmResource, aRealm('smallest', { livekit: { type: 'None' } }))) as Realm
    expect(spec).toMatchObject({
      cells: { replicas: 1, max: 4, template: { connectors: {}, archipelago: { joinDistance: 64, leaveDistance: 80 } } },
      gatekeeper: { replicas: 1, database: { type: 'Embedded' } },
      nats: { type: 'Managed' },
      exposure: { type: 'None' },
      content: { catalysts: [], map: { minimapEnabled: true } },
    })
  })

  test('the example is accepted', async () => {
    const example = parse(readFileSync(new URL('../../examples/realm.yaml', import.meta.url), 'utf8')) as KubeObject
    const realm = { ...example, metadata: { ...example.metadata, namespace: 'default' } }
    expect((await kube.user.create(realmResource, realm)).metadata.uid).toBeDefined()
  })

  test('the worlds of the example are accepted', async () => {
    const documents = parseAllDocuments(readFileSync(new URL('../../examples/world.yaml', import.meta.url), 'utf8'))
    const realms = documents.map((document) => document.toJS() as KubeObject).filter(({ kind }) => kind === 'Realm')
    for (const realm of realms) {
      const created = await kube.user.create(realmResource, { ...realm, metadata: { ...realm.metadata, namespace: 'default' } })
      expect((created as Realm).spec).toMatchObject({ mode: 'World', world: { access: {}, capacity: expect.any(Number) } })
    }
  })

  for (const [index, { title, name, spec, previous, says, at }] of badRealms.entries()) {
    test(`refuses ${title}, with the field and the reason`, async () => {
      const stored = previous ? await kube.user.create(realmResource, aRealm(`bad-${index}`, previous)) : undefined
      const bad = aRealm(name ?? `bad-${index}`, spec)
      const attempt = stored
        ? kube.user.replace(realmResource, { ...stored, ...bad, metadata: stored.metadata })
        : kube.user.create(realmResource, bad)
      const refused = (await attempt.catch((error: unknown) => error)) as KubeError
      expect(refused).toBeInstanceOf(KubeError)
      expect(refused.status).toBe(422)
      expect(refused.message).toMatch(says)
      expect(refused.message).toContain(at.replace(/\.(\d+)/g, '[$1]'))
    })
  }
})
