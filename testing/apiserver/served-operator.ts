import { startOperator } from './bare-operator.ts'
import { startFakeKubelet } from './kubelet.ts'
import type { ApiServerTest } from './use-api-server.ts'

/** Starts an operator for the namespace of a test, and what reports that its pods run; both end with the test. */
export async function startServedOperator({ api, namespace, stopAfterTest }: ApiServerTest) {
  const operator = await startOperator(api, namespace)
  stopAfterTest(operator.stop)
  // Services of a realm change one after the other, each once the pods of the one before are ready.
  stopAfterTest(startFakeKubelet(api.client(), namespace).stop)
  return operator
}
