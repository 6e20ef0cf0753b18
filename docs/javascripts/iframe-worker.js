// A page that is opened as a file may start no Worker. The search then runs in a hidden frame.
if (location.protocol === "file:") {
  // As between threads, a message arrives later, and it is a copy.
  const deliver = (receive, data) => {
    const message = new MessageEvent("message", { data: structuredClone(data) });
    setTimeout(() => receive(message));
  };
  window.Worker = class {
    constructor(url) {
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      this.inside = this.frame.contentWindow;
      this.inside.postMessage = (data) => deliver((message) => this.onmessage?.(message), data);
      this.loaded = new Promise((resolve) => {
        const script = this.inside.document.createElement("script");
        script.src = url;
        script.onload = resolve;
        this.inside.document.body.append(script);
      });
    }
    postMessage(data) {
      this.loaded.then(() => deliver((message) => this.inside.dispatchEvent(message), data));
    }
    terminate() {
      this.frame.remove();
    }
  };
}
