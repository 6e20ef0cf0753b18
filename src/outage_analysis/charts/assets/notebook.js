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
  const caption = place.querySelector('template');  // the title as HTML, so that it wraps
  if (caption) place.before(caption.content);
  drawChart(place, spec);
});
