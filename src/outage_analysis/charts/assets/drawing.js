// Draws a chart in its place, in a report and in a notebook, and returns its view.
const OPTIONS = {
  ast: true, actions: false, defaultStyle: false, renderer: 'svg', tooltip: {disableDefaultStyle: true}
};
const NARROW = 660;  // pixels that charts side by side need; on a phone they stand in one column

async function drawChart(place, spec) {
  // A chart takes the width of its place, so it is drawn when its place is visible. JupyterLab
  // builds cells off-screen.
  if (!place.clientWidth) await new Promise(resolve => {
    new ResizeObserver((_, watch) => {
      if (!place.clientWidth) return;
      watch.disconnect();
      resolve();
    }).observe(place);
  });
  const [heading, views] = spec.vconcat ?? [], narrow = views?.columns && place.clientWidth < NARROW;
  const shown = narrow ? {...spec, vconcat: [heading, {...views, columns: 1}]} : spec;
  const {view} = await window.vegaEmbed(place, shown, OPTIONS);
  const lists = views && place.querySelector('.vega-bindings');
  lists?.append(...[...lists.children].reverse());  // Vega writes the list of the last chart first
  return view;
}
