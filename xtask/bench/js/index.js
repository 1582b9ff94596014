import { instantiate } from "symbolon-wasm";

const { answer } = instantiate();

export default {
  fetch(request) {
    return new Response(answer(request.method, request.url));
  },
};
