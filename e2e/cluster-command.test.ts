import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { claims, isOwned } from '../testing/cluster/claim.ts'
import { REALMS_NAMESPACE } from '../testing/cluster/realm.ts'
import { freshFolder } from '../testing/fresh-folder.ts'
import { liveKitClient } from '../testing/livekit-room.ts'
import { runCommand } from '../testing/parts/command.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { followAbout } from '../testing/player/about.ts'
import { groupExists, startProgram } from '../testing/program.ts'
import { meetThroughForward } from './forwarded-media.ts'
import { runPageCommands } from './page-commands.ts'
import { tryVerb, type VerbRun, verbsOfCluster } from './verbs.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const MINUTES = 60_000

withPart('debian', 'npm run cluster', () => {
  withPart('kube', 'on this machine', (kube) => {
    withPart('rtc', 'with players of its LiveKit', (rtc) => {
      withPart('gatewayApi', 'with kinds of the Gateway API', (gatewayApi) => {
        withPart('foreignCrds', 'and of other projects', (foreignCrds) => onCluster(kube, rtc, [gatewayApi, foreignCrds]))
      })
    })
  })
})

function onCluster(kube: string, rtc: string, crds: string[]): void {
  test('starts the example realm, at which every command works, also those of the book, and leaves nothing after Ctrl-C', {
    timeout: 12 * MINUTES,
  }, async (context) => {
    const livekit = liveKitClient(rtc)
    context.onTestFinished(() => livekit.dispose())
    const owned = () => claims().filter(isOwned)
    const before = owned()
    await using cluster = startProgram('npm', ['run', 'cluster'], { cwd: root })
    const [, about = ''] = await cluster.prints(/is open: (\S+)/, 7 * MINUTES)
    const [, kubeconfig = ''] = await cluster.prints(/export KUBECONFIG=(\S+)/)
    const [, host = '', port = ''] = await cluster.prints(/PULSE_SERVER=([\d.]+):(\d+)/)
    expect((await followAbout(about)).about.healthy).toBe(true)
    const place = { kubeconfig, namespace: REALMS_NAMESPACE, kube }
    await meetThroughForward({ ...place, about, livekit, relay: { host, port: Number(port) } })
    const report = join(freshFolder(), 'report.tar.gz')
    const runs: [string, VerbRun][] = Object.entries(verbsOfCluster({ kubeconfig, namespace: REALMS_NAMESPACE, report }))
    // On a slow machine a pod is not ready now and then.
    for (const [words, run] of runs) await vi.waitFor(() => tryVerb(words, run), { timeout: MINUTES, interval: 1_000 })
    const podNames = ['get', 'pods', '-n', REALMS_NAMESPACE, '-l', 'app.kubernetes.io/component=connector', '-o', 'name']
    const pods = await runCommand(join(kube, 'kubectl'), ['--kubeconfig', kubeconfig, ...podNames])
    const [pod = ''] = pods.trim().replaceAll('pod/', '').split('\n')
    expect(await runPageCommands({ ...place, pod, provider: new URL(about).origin, crds })).toBeGreaterThan(100)
    // A terminal sends Ctrl-C to the whole process group.
    process.kill(-cluster.pid, 'SIGINT')
    await cluster.ended
    expect(groupExists(cluster.pid)).toBe(false)
    expect(owned()).toEqual(before)
  })
}
