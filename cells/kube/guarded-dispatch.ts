import type { Dispatcher } from 'undici'

/**
 * A dispatcher that calls `guard` when a request is about to be written to its connection, and ends it where the guard throws. A
 * request may wait for a free connection before, for as long as the process is paused.
 */
export const guarded = (dispatcher: Dispatcher, guard: () => void): Dispatcher =>
  dispatcher.compose((dispatch) => (options, handler) => dispatch(options, withGuard(handler, guard)))

const withGuard = (handler: Dispatcher.DispatchHandler, guard: () => void): Dispatcher.DispatchHandler => ({
  onRequestStart(controller, context) {
    handler.onRequestStart?.(controller, context)
    try {
      guard()
    } catch (error) {
      controller.abort(error as Error)
    }
  },
  onRequestUpgrade: (...given) => handler.onRequestUpgrade?.(...given),
  onResponseStart: (...given) => handler.onResponseStart?.(...given),
  onResponseData: (...given) => handler.onResponseData?.(...given),
  onResponseEnd: (...given) => handler.onResponseEnd?.(...given),
  onResponseError: (...given) => handler.onResponseError?.(...given),
})
