import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { claims } from '../testing/cluster/claim.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { followAbout } from '../testing/player/about.ts'
import { groupExists, startProgram } from '../testing/program.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const MINUTES = 60_000

withPart('debian', 'npm run cluster', () => {
  withPart('kube', 'on this machine', () => {
    test('starts the example realm, prints what to try, and leaves nothing after Ctrl-C', { timeout: 8 * MINUTES }, async () => {
      const before = await claims()
      await using cluster = startProgram('npm', ['run', 'cluster'], { cwd: root })
      const [, about = ''] = await cluster.prints(/is open: (\S+)/, 7 * MINUTES)
      expect(cluster.output()).toMatch(/export KUBECONFIG=\S+/)
      expect((await followAbout(about)).about.healthy).toBe(true)
      // A terminal sends Ctrl-C to the whole process group.
      process.kill(-cluster.pid, 'SIGINT')
      await cluster.ended
      expect(groupExists(cluster.pid)).toBe(false)
      expect(await claims()).toEqual(before)
    })
  })
})
