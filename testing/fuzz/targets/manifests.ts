import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { parse } from 'yaml'
import { readManifest } from '../../../cli/manifest.ts'
import type { Realm } from '../../../crds/realm.ts'
import { realmObjects } from '../../../operator/desired/manifests/objects.ts'
import { planRealm } from '../../../operator/desired/plan.ts'
import { aRealm, platform, site } from '../../../operator/desired/realm.fixtures.ts'
import { edited, editedJson, jsonEdits, type TextEdit, textEdits } from '../generators.ts'
import { fuzzTarget, pureTarget } from '../target.ts'

interface ManifestFile {
  text: string
  edits: readonly TextEdit[]
  /** Whether the realm runs already, so that the file is a change of it. */
  isChange: boolean
}

const example = readFileSync(new URL('../../../examples/realm.yaml', import.meta.url), 'utf8')
const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'livekit' },
  data: { apiKey: 'a2V5' },
  stringData: { apiSecret: 's' },
}
const full: Realm = aRealm({
  exposure: { type: 'Ingress', host: 'main.example', tlsSecretName: 'tls', className: 'nginx', annotations: { a: 'b' } },
  publication: { providers: [{ url: 'https://provider.example' }] },
  content: { catalysts: ['https://catalyst.example'] },
})

const yamlBombs = [
  'a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\n<<: *c\n',
  '&a [*a]',
  `${'['.repeat(5_000)}`,
  `${'{a: '.repeat(3_000)}`,
  `${'- '.repeat(3_000)}a`,
  `${'---\n{}\n'.repeat(100)}`,
  '!!binary aaaa',
  '!!js/function "x"',
  '? {a: b}\n: c',
  '%YAML 9.9\n---\n{}',
]

const text = fc.oneof(
  fc.constant(example),
  fc.constantFrom(...yamlBombs),
  fc
    .tuple(fc.constantFrom<unknown>(full, secret, parse(example), aRealm()), jsonEdits(3))
    .map(([object, edits]) => JSON.stringify(editedJson(object, edits)) ?? ''),
  fc
    .tuple(jsonEdits(2), jsonEdits(2))
    .map(
      ([first, second]) =>
        `${example}\n---\n${JSON.stringify(editedJson(secret, first))}\n---\n${JSON.stringify(editedJson(full, second))}`,
    ),
)

/** YAML files for `realmctl up`; one that is accepted must be a realm that can be planned and rendered. */
export const manifests = fuzzTarget<ManifestFile>({
  name: 'manifests',
  inputs: fc.record({ text, edits: fc.oneof(fc.constant([]), textEdits(3)), isChange: fc.boolean() }),
  inputsInSuite: 300,
  start: async () =>
    pureTarget(({ text: given, edits, isChange }) => {
      const read = readManifest('fuzz.yaml', edited(given, edits), isChange ? [full] : [])
      if (!read.ok) {
        const silent = read.problems.find(({ line, message }) => !(line >= 1) || message === '')
        if (silent || read.problems.length === 0) throw new Error(`a refusal without a reason: ${JSON.stringify(silent)}`)
        return
      }
      for (const realm of read.manifest.realms) {
        const plan = planRealm(realm, { cells: [], services: [] }, site)
        JSON.stringify(realmObjects(realm, plan, platform))
      }
    }),
})
