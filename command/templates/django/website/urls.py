from django.http import JsonResponse
from django.urls import path


def index(request):
    return JsonResponse({"hello": request.GET.get("name", "world")})


urlpatterns = [path("", index)]
