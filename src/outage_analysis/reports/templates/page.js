(function () {
  'use strict';

  var OPTIONS = {
    ast: true, actions: false, defaultStyle: false, renderer: 'svg', tooltip: {disableDefaultStyle: true}
  };

  function charts() {
    document.querySelectorAll('script.charts').forEach(function (element) {
      var specs = JSON.parse(element.textContent);
      Object.keys(specs).forEach(function (name) {
        var place = document.getElementById('chart-' + name);
        if (place) window.vegaEmbed(place, specs[name], OPTIONS);
      });
    });
  }

  // Views side by side have a width of their own: on a phone they stand in one column.
  function selection() {
    var place = document.getElementById('chart-linked');
    if (!place) return;
    var spec = JSON.parse(document.getElementById('linked-data').textContent), views = spec.vconcat[1];
    var columns = views.columns, shown = 0, last = null, width = window.matchMedia('(min-width: 780px)');
    function draw() {
      views.columns = width.matches ? columns : 1;
      if (views.columns === shown) return;
      shown = views.columns;
      if (last) last.finalize();
      window.vegaEmbed(place, spec, OPTIONS).then(function (result) {
        var lists = place.querySelector('.vega-bindings');  // Vega writes the list of the last view first
        if (lists) Array.from(lists.children).reverse().forEach(function (list) { lists.append(list); });
        last = result;
      });
    }
    draw();
    width.addEventListener('change', draw);
  }

  function sliders() {
    var element = document.getElementById('what-if-data');
    if (element) window.whatIf(document.querySelector('.what-if'), JSON.parse(element.textContent));
  }

  // Paper cannot be unfolded.
  function printing() {
    var opened = [];
    window.addEventListener('beforeprint', function () {
      opened = Array.from(document.querySelectorAll('main details:not([open])'));
      opened.forEach(function (element) { element.open = true; });
    });
    window.addEventListener('afterprint', function () {
      opened.forEach(function (element) { element.open = false; });
    });
  }

  window.addEventListener('DOMContentLoaded', function () {
    sliders();
    printing();
    if (!window.vegaEmbed) return;
    function draw() {
      charts();
      selection();
    }
    // Charts are laid out by the widths of their texts, so their font comes first.
    Promise.all(['400', '700'].map(function (weight) {
      return document.fonts.load(weight + ' 12px "Outage Sans"');
    })).then(draw, draw);
  });
})();
