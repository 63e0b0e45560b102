import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { chart, renderedObjects } from '../testing/chart.ts'
import { runCommand } from '../testing/parts/command.ts'
import { withPart } from '../testing/parts/with-part.ts'

const DEFAULTS = ['--set', 'image.repository=registry.example.org/realm-operator']
/** The values that are rendered: none but what is required, and the sets in `ci/`. */
const sets: Readonly<Record<string, readonly string[]>> = {
  'the default values': DEFAULTS,
  ...Object.fromEntries(readdirSync(join(chart, 'ci')).map((file) => [`ci/${file}`, ['--values', join(chart, 'ci', file)]])),
}
const TIMEOUT_MS = 180_000

withPart('helm3', 'with Helm 3', (helm3) => {
  const kube = inject('parts').kube
  const run = (helm: string, args: readonly string[]) => runCommand(helm, args, { timeoutMs: TIMEOUT_MS })
  const rendered = async (helm: string, options: readonly string[]) =>
    run(helm, ['template', 'realms', chart, '--namespace', 'operations', ...options])
  /** Objects by their names, and without what differs between two runs: a token that is made up. */
  const objectsOf = (text: string) =>
    renderedObjects(text)
      .map((object) => (object.kind === 'Secret' ? { ...object, data: undefined } : object))
      .toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)))
  const keyOf = ({ kind, metadata: { namespace, name } }: ReturnType<typeof renderedObjects>[number]) =>
    `${kind}/${namespace}/${name}`

  test.each(Object.entries(sets))(
    'the chart passes lint, and is the same objects as with Helm 4, for %s',
    async (_, options) => {
      expect(await run(helm3, ['lint', '--strict', chart, ...options])).toContain('0 chart(s) failed')
      if (!('path' in kube)) throw new Error(`the part 'kube' is missing: ${kube.missing}`)
      const [three, four] = [await rendered(helm3, options), await rendered(join(kube.path, 'helm'), options)]
      expect(objectsOf(three).length).toBeGreaterThan(10)
      expect(objectsOf(three)).toEqual(objectsOf(four))
    },
    TIMEOUT_MS,
  )

  describe('and another version of Kubernetes', () => {
    test(
      'the chart is the same from 1.31 on, and refused before',
      async () => {
        const at = (version: string) => rendered(helm3, [...DEFAULTS, '--kube-version', version])
        const [oldest, ...others] = [await at('1.31.0'), await at('1.34.4'), await at('1.36.0-gke.100')]
        for (const text of others) expect(text).toBe(oldest)
        await expect(at('1.30.14')).rejects.toThrow('incompatible with Kubernetes v1.30.14')
      },
      TIMEOUT_MS,
    )
  })
})
