// Draws the charts and starts the sliders of a notebook, from data queued before or after this.
function serve(queue, attribute, start) {
  const waiting = window[queue];
  function push([key, data]) {
    for (const place of document.querySelectorAll(`[${attribute}="${key}"]:not([data-live])`)) {
      place.dataset.live = '';
      start(place, data);
    }
  }
  window[queue] = {push};
  if (Array.isArray(waiting)) waiting.forEach(push);
}

serve('outageWhatIfs', 'data-outage-what-if', whatIf);
serve('outageCharts', 'data-outage-chart', (place, spec) => {
  const line = (tag, textContent) => Object.assign(document.createElement(tag), {textContent});
  const [head, ...below] = spec.usermeta?.caption ?? [], caption = line('p', '');
  caption.className = 'outage-caption';
  caption.append(line('strong', head), ...below.map(text => line('span', text)));
  if (head) place.before(caption);  // the title as HTML, so that it wraps
  drawChart(place, spec);
});
