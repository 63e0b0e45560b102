import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import { runProcess } from '../../cells/chassis/lifecycle.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { relayText } from '../../cells/wire/relay-address.ts'
import { ensure } from '../parts/catalogue.ts'
import type { PartName } from '../parts/part.ts'
import { startCluster } from './cluster.ts'
import { endAll } from './down.ts'
import { installProduct, movementOf, movementValues } from './product.ts'
import { applyRealm, REALMS_NAMESPACE } from './realm.ts'

// npm run cluster: a Kubernetes on this machine with the operator and the example realm in it, until Ctrl-C.
// npm run cluster -- down: stops those of other terminals, and removes what crashed ones left behind.

const say = (line: string) => process.stderr.write(`${line}\n`)

async function partOf(name: PartName): Promise<string> {
  const state = await ensure(name, say)
  if ('missing' in state) throw new UserError(`${name} is missing: ${state.missing}`)
  return state.path
}

async function up() {
  if (process.platform !== 'linux')
    throw new UserError('this needs Linux: use a Linux machine, or install the chart into a cluster you have')
  if (process.getuid?.() !== 0)
    throw new UserError("this needs root, to make network and mount namespaces: run 'sudo npm run cluster'")
  const example = fileURLToPath(new URL('../../examples/realm.yaml', import.meta.url))
  await partOf('debian')
  const servers = { nats: await partOf('nats'), livekit: await partOf('livekit') }
  const kube = await partOf('kube')
  const cluster = await startCluster({ kube, purpose: 'person', progress: say })
  try {
    const { provider } = await installProduct(cluster, servers, say, movementValues(cluster))
    const ingress = await cluster.startIngress(provider)
    say('applying examples/realm.yaml')
    await applyRealm(cluster, ingress, parse(readFileSync(example, 'utf8')))
    console.log(welcome(kube, cluster.kubeconfig, ingress.url, relayText(movementOf(cluster))))
    return {
      stop: async () => {
        say('ending the cluster')
        await ingress.stop()
        await cluster.stop()
      },
    }
  } catch (error) {
    await cluster.stop()
    // The program that failed (a compiler, helm, kubectl) has already printed the cause.
    throw new UserError(messageOf(error), 1, { cause: error })
  }
}

const welcome = (kube: string, kubeconfig: string, url: string, relay: string): string => `
The realm 'main' is open: ${url}/main/about

  export KUBECONFIG=${kubeconfig} PATH=${kube}:$PATH
  kubectl get realms,commscells,pods -n ${REALMS_NAMESPACE}
  kubectl scale realm main -n ${REALMS_NAMESPACE} --replicas=2
  kubectl explain realm.spec
  npx node cli/main.ts status main -n ${REALMS_NAMESPACE}      the program that the book calls realmctl
  npx node cli/main.ts join ${url}/main --for 60s      a player; who is where: ${url}/console

An explorer on this machine enters with the realm ${url}/main, and sees players move with PULSE_SERVER=${relay}. Ctrl-C ends it all and leaves nothing.`

const [command] = process.argv.slice(2)
if (command === 'down') await endAll(say)
else if (command === undefined) await runProcess(silentLog, up, { finishStarting: true })
else {
  say('usage: npm run cluster [-- down]')
  process.exitCode = 2
}
