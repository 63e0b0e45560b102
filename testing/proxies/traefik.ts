import { freePort } from '../free-port.ts'
import { startProgram } from '../program.ts'

/** What the class of an Ingress names, and its IngressClass. */
export const TRAEFIK = 'traefik'
export const INGRESS_CONTROLLER = 'traefik.io/ingress-controller'
export const GATEWAY_CONTROLLER = 'traefik.io/gateway-controller'

/** A Traefik that serves the Ingresses and HTTPRoutes of a cluster. */
export interface Traefik {
  /** Where it serves Ingresses. */
  ingressPort: number
  /** Where it serves HTTPRoutes: the port of the listener that a Gateway has to have. */
  gatewayPort: number
  stop(): Promise<void>
}

/** Starts the program of the part `traefik` against an API server, with its defaults but for where it listens and the address it publishes. */
export async function startTraefik(program: string, kubeconfig: string): Promise<Traefik> {
  const [ingressPort, gatewayPort] = [await freePort(), await freePort()]
  const flags = {
    'entryPoints.web.address': `127.0.0.1:${ingressPort}`,
    'entryPoints.web.asDefault': 'true',
    'entryPoints.edge.address': `127.0.0.1:${gatewayPort}`,
    'providers.kubernetesIngress.ingressClass': TRAEFIK,
    'providers.kubernetesIngress.ingressEndpoint.ip': '127.0.0.1',
    'providers.kubernetesGateway.statusAddress.ip': '127.0.0.1',
    'global.checkNewVersion': 'false',
    'global.sendAnonymousUsage': 'false',
  }
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  const running = startProgram(program, [...args, '--providers.kubernetesGateway=true', '--log.level=INFO'], {
    env: { KUBECONFIG: kubeconfig },
  })
  await running.prints(/Starting provider \*(?:gateway|ingress)\.Provider/)
  return {
    ingressPort,
    gatewayPort,
    stop: async () => {
      running.signal('SIGTERM')
      await running[Symbol.asyncDispose]()
    },
  }
}
