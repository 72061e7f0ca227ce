from django.contrib import admin
from django.contrib.staticfiles import finders
from django.http import JsonResponse
from django.templatetags.static import static
from django.urls import path


def urls(request):
    return JsonResponse([static("shop/style.css"), static("brand/größe.txt"), static("admin/css/base.css")], safe=False)


def inline(request):
    with open(finders.find("shop/style.css")) as file:
        return JsonResponse(file.read(), safe=False)


urlpatterns = [path("admin/", admin.site.urls), path("urls", urls), path("inline", inline)]
